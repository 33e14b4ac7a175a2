"""`config.toml`: prices, and mistakes that are named by their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from services import config
from services.config import parse
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
        ("\n\n[theme]\n", ["line 3", "no setting 'theme'", "[prices]"]),
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
    file.write_bytes(b"#" * (config.SIZE_LIMIT + 1))
    with pytest.raises(UsageError, match="too large"):
        config.load()


def test_h66_a_file_that_others_may_write_is_not_believed(file: Path) -> None:
    file.write_text("")
    file.chmod(0o666)
    with pytest.raises(Unsafe):
        config.load()
