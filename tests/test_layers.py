"""The layers: app → widgets → services, and one package that knows Google's libraries."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GOOGLE = ("google.cloud", "google.auth", "google.api_core", "google.oauth2", "google.resumable_media")


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"no modules below {package}"
    return found


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offenders(package: str, forbidden: tuple[str, ...], *, but: str = "") -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(package)
        if not (but and path.is_relative_to(ROOT / but))
        for name in imports(path)
        if any(name == prefix or name.startswith(f"{prefix}.") for prefix in forbidden)
    ]


def test_services_import_neither_screens_nor_textual() -> None:
    assert offenders("services", ("textual", "rich", "app", "widgets")) == []


def test_widgets_import_neither_the_app_nor_the_network() -> None:
    network = ("services.gcs", "services.worker", "services.localstore", "services.credentials")
    assert offenders("widgets", ("app", *network, *GOOGLE)) == []


def test_only_one_package_imports_googles_libraries() -> None:
    assert offenders("services", GOOGLE, but="services/gcs") == []
    assert offenders("widgets", GOOGLE) == []
    assert offenders("app", GOOGLE) == []


def test_the_check_itself_finds_an_offence(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from google.cloud import storage\n")
    assert "google.cloud.storage" in list(imports(bad))


@pytest.mark.parametrize("package", ["services", "widgets"])
def test_every_module_can_be_imported_in_a_clean_process(package: str) -> None:
    """`services` brings Textual in by no way, however indirect; `widgets` never brings the app in."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in modules(package)
        if path.name != "__main__.py"
    ]
    code = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'textual', 'rich', 'app'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "app" not in run.stdout
    assert package == "widgets" or run.stdout.strip() == "[]"
