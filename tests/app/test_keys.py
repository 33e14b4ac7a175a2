"""Every key of a widget or a dialog has its sentence in the help."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import app.screens
import widgets
from app.screens.keys import SENTENCES, sentence


def bound() -> Iterator[tuple[str, Binding]]:
    """Yield every binding that Pail's own widgets and screens declare, with the name of its class."""
    for package in (app.screens, widgets):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            for name, kind in inspect.getmembers(module, inspect.isclass):
                if kind.__module__ == module.__name__ and issubclass(kind, DOMNode):
                    for binding in vars(kind).get("BINDINGS", []):
                        assert isinstance(binding, Binding), name
                        yield f"{name}: {binding.key}", binding


@pytest.mark.parametrize(("where", "binding"), tuple(bound()))
def test_every_key_has_its_sentence(where: str, binding: Binding) -> None:
    text = sentence(binding)
    assert text.endswith("."), where
    assert text[0].isupper(), where


def test_no_sentence_is_left_over() -> None:
    actions = {binding.action for _, binding in bound()}
    assert SENTENCES.keys() <= actions
