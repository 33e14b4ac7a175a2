"""What the documents promise is compared with the code."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

from app.registry import COMMANDS
from tests.pictures import FOLDER
from tests.readme import README, SETTINGS, settings, written
from tests.screen_page import PAGE, page

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def named(requirement: str) -> str:
    return re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]


def test_every_dependency_has_its_reason_in_the_architecture_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.split("## Dependencies")[1]
    assert re.findall(r"^\| ([a-z0-9-]+) \|", table, flags=re.MULTILINE)[1:] == sorted(
        named(requirement) for requirement in PROJECT["dependencies"]
    )


def test_every_dependency_is_bounded_on_both_sides() -> None:
    optional = itertools.chain.from_iterable(PROJECT["optional-dependencies"].values())
    for requirement in (*PROJECT["dependencies"], *optional):
        assert ">=" in requirement, requirement
        assert "<" in requirement, requirement


def test_the_gate_runs_the_test_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(r"<!-- command: (\w+) -->\n```sh\n(.+)\n```", readme)
    assert [name for name, _ in commands] == ["run", "test"]
    assert all(command.startswith("python3 -m venv .venv && ") for _, command in commands)
    assert "command: test" in (ROOT / ".ci" / "run").read_text()


def test_no_file_names_a_package_index() -> None:
    for path in (ROOT / "pyproject.toml", ROOT / ".ci" / "run", ROOT / "README.md"):
        assert not re.search(r"index-url|pypi\.org|find-links", path.read_text()), path


def test_the_readme_shows_the_keys_and_commands_of_the_code() -> None:
    text = README.read_text(encoding="utf-8")
    assert written(text) == text, "make it anew: python -m tests.readme"


def test_the_page_of_the_settings_is_that_of_the_schema() -> None:
    assert SETTINGS.read_text() == settings(), "make it anew: python -m tests.readme"


def test_the_page_of_the_screen_is_that_of_the_registry() -> None:
    assert PAGE.read_text() == page(), "make it anew: python -m tests.readme"
    assert all(entry.help.rstrip(".") in page() for entry in COMMANDS)


def test_the_page_of_pictures_shows_all_that_are_made() -> None:
    shown = re.findall(r"!\[.+\]\(pictures/(.+)\)", (ROOT / "docs" / "pictures.md").read_text())
    assert sorted(shown) == sorted(path.name for path in FOLDER.glob("*.svg"))
    made = re.findall(r"docs/pictures/([\w-]+\.svg)", README.read_text())
    assert set(made) <= set(shown)


def test_the_readme_opens_with_a_picture_that_exists() -> None:
    text = README.read_text(encoding="utf-8")
    pictures = re.findall(r"!\[.+\]\((.+)\)", text)
    assert text.index("![") < text.index("## Two commands")
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)
