"""`config.toml`: prices, and mistakes that are named by their line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from services import config
from services.config import parse
from services.config.lines import line_of, lines_of
from services.config.reading import SIZE_LIMIT
from services.config.schema import Screen
from services.config.showing import documented, effective, written
from services.errors import Unsafe, UsageError
from services.prices import GOOGLE, Place, storage_rate

FILE = Path("/somewhere/config.toml")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "pail").mkdir()
    return config.config_file()


def test_without_a_file_everything_has_its_default(file: Path) -> None:
    assert not file.exists()
    assert config.load().price_table() == GOOGLE
    assert config.load().price_table(replit=True).provider == "Replit"


def test_prices_are_laid_over_the_list(file: Path) -> None:
    file.write_text('[prices]\ncurrency = "€"\n[prices.storage.europe-west3]\nstandard = 0.5\n')
    table = config.load().price_table()
    place = Place("EUROPE-WEST3", "region")
    assert table.currency == "€"
    assert storage_rate(table, place, "STANDARD").price == 0.5
    assert storage_rate(table, place, "ARCHIVE").price == storage_rate(GOOGLE, place, "ARCHIVE").price


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n\n[theme]\n", ["line 3", "no setting 'theme'", "prices"]),
        ("prices = 3\n", ["line 1", "not a table"]),
        ("[prices]\n# colour = 1\ncolour = 'x'\n", ["line 3", "prices.colour"]),
        ("[prices.storage.US]\nSTANDARD = 1\nCOLD = 1\n", ["line 3", "COLD"]),
        ("[prices.class_a.region]\nSTANDARD = nan\n", ["line 2", "number"]),
        ("[prices\n", ["no TOML", "line 1"]),
        ('"pri\\u001bces" = 1\n', ["\\x1b"]),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text.encode(), FILE)
    said = f"{caught.value.message} {caught.value.remedy}"
    assert str(FILE) in said
    assert "\x1b" not in said
    for word in words:
        assert word in said


def test_what_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="UTF-8"):
        config.load()
    file.write_bytes(b"#" * (SIZE_LIMIT + 1))
    with pytest.raises(UsageError, match="too large"):
        config.load()


def test_h66_a_file_that_others_may_write_is_not_believed(file: Path) -> None:
    file.write_text("")
    file.chmod(0o666)
    with pytest.raises(Unsafe):
        config.load()


def test_a_section_is_read_and_the_line_of_each_setting_is_known() -> None:
    text = '# mine\n[screen]\nsymbols = "ascii"\nlook_s = 30\n\n[prices]\nstorage.US.STANDARD = 1\n'
    reading = parse(text.encode(), FILE)
    assert reading.config.screen == Screen(symbols="ascii", look_s=30)
    assert reading.origins == {"screen.symbols": 3, "screen.look_s": 4, "prices.storage.US.STANDARD": 7}
    shown = {entry.key: (entry.value, entry.origin) for entry in effective(reading)}
    assert shown["screen.symbols"] == ("ascii", "line 3")
    assert shown["screen.theme"] == ("", "default")
    assert shown["prices.storage.US.STANDARD"] == (1, "line 7")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[screen]\n\nlok_s = 3", ["line 3", "screen.lok_s", "Did you mean screen.look_s?"]),
        ("[screen]\nlook_s = 0.5", ["line 2", "screen.look_s must be a number of seconds from 2 to 3600"]),
        ("[screen]\nlook_s = true", ["line 2", "a number"]),
        ('[screen]\ntheme = """\nlook_s = 3\n"""\nsymbols = "emoji"', ["a theme's name"]),
        ("screen.symbols = 'emoji'", ["line 1", "auto, unicode or ascii"]),
        ("[screen]\ntheme = 'a\u202eb'", ["line 2", "screen.theme"]),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wanted(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text.encode(), FILE)
    for word in words:
        assert word in f"{caught.value.message} {caught.value.remedy}"


def test_the_documented_file_is_valid_and_changes_nothing() -> None:
    assert parse(documented().encode(), FILE).config == config.Config()
    every = re.sub(r"^# (\w[\w.-]* = )", r"\1", documented(), flags=re.MULTILINE)
    told = parse(every.encode(), FILE)
    assert {setting.key for setting in config.all_settings()} <= set(told.origins), "each stands there, ready to change"


@pytest.mark.parametrize("value", ['a "b" \\', "é\x7f\x1b", True, 3, 2.5, ["a", "b"]])
def test_a_value_is_written_as_toml_reads_it(value: object) -> None:
    assert tomllib.loads(f"x = {written(value)}")["x"] == value


def test_lines_are_found_in_every_way_to_write_a_key() -> None:
    text = 'a = """\nb = 1\n"""\n[t."x y"]\nk.l = 1\n[[many]]\nz = 1\ninline = { deep = 1 }\n'
    lines = lines_of(text)
    assert (lines["a",], lines["t", "x y"], lines["t", "x y", "k", "l"], lines["many", "z"]) == (1, 4, 5, 7)
    assert ("b",) not in lines
    assert line_of(lines, ("many", "inline", "deep")) == 8
    assert line_of(lines, ("nowhere",)) is None
