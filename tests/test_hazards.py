"""The hazards of transfers by number: each has a test whose name says which."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

NUMBER = re.compile(r"(?:^|_)(?:h|hazard_)(\d{1,2})(?=_|$)")
"""How the name of a test tells the number of a hazard."""


@functools.cache
def numbers() -> set[int]:
    """Return the numbers that the names of all tests tell."""
    found: set[int] = set()
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.update(int(number) for number in NUMBER.findall(node.name))
    return found


@pytest.mark.parametrize("number", range(1, 23))
def test_every_hazard_of_transfers_has_a_test(number: int) -> None:
    assert number in numbers()
