"""A person's own programs: which is taken, and what is said of one that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.errors import UsageError
from services.programs import EDITORS, FALLBACK_EDITOR, command_line, program


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, [FALLBACK_EDITOR]),
        ({"EDITOR": "nano -w"}, ["nano", "-w"]),
        ({"VISUAL": " ", "EDITOR": "nano"}, ["nano"]),
        ({"VISUAL": "'my editor' --wait", "EDITOR": "nano"}, ["my editor", "--wait"]),
    ],
)
def test_the_first_variable_that_names_one_decides(environment: dict[str, str], words: list[str]) -> None:
    assert program(EDITORS, FALLBACK_EDITOR, environment) == words


@pytest.mark.parametrize("variable", EDITORS)
def test_the_variable_that_cannot_be_read_is_the_one_that_is_named(variable: str) -> None:
    with pytest.raises(UsageError, match=f"cannot read {variable}: "):
        program(EDITORS, FALLBACK_EDITOR, {variable: "vi 'unclosed"})


def test_hazard_65_a_name_is_never_taken_for_an_option_or_read_by_a_shell() -> None:
    assert command_line(["vi"], Path("-c;rm *")) == ["vi", "--", "-c;rm *"]
