from __future__ import annotations

from dataclasses import replace

import pytest
from textual.binding import Binding
from textual.widget import Widget

from app.commands import GROUPS, shown_key
from app.context import VIEWS, Context
from app.permissions import NEEDS
from app.registry import COMMANDS, applying, bindings, command, key_line
from app.registry.keymap import unit
from app.screens.controls import WIDGETS
from app.screens.main import MainScreen
from app.screens.palette import offers
from services.permissions import ASKED

ENDED = ("retry", "dismiss")
FULL = Context(view="objects", bucket=True, cursor="object", marked=2, rows=9)


def ids(context: Context) -> set[str]:
    return {entry.id for entry in applying(context)}


def test_every_id_is_unique_and_every_group_is_shown() -> None:
    assert len({entry.id for entry in COMMANDS}) == len(COMMANDS)
    assert {entry.group for entry in COMMANDS} == set(GROUPS)


def test_help_is_one_sentence_each() -> None:
    assert all(entry.help.endswith(".") and entry.help.count(". ") == 0 for entry in COMMANDS)


@pytest.mark.parametrize(
    "context",
    [
        FULL,
        Context(),
        Context("find", True, "object", 0, 5),
        Context("find", True, "object", 1, 5),
        *(Context(view, True, "object", 1, 5, verbs=ENDED) for view, _ in VIEWS),
    ],
)
def test_one_key_means_one_thing_at_a_time(context: Context) -> None:
    keys = [key for entry in applying(context) for key in entry.keys]
    assert len(keys) == len(set(keys))


def test_no_command_lives_on_a_key_that_terminals_swallow_alone() -> None:
    swallowed = {"ctrl+s", "ctrl+q", "ctrl+z", "f1", "f10"}
    assert all(not entry.keys or set(entry.keys) - swallowed for entry in COMMANDS)


def test_every_command_of_the_screen_has_its_handler() -> None:
    missing = [entry.id for entry in COMMANDS if entry.owner == "screen" and not MainScreen.handles(entry.id)]
    assert missing == []


@pytest.mark.parametrize(
    ("context", "present", "absent"),
    [
        (FULL, {"upload", "download", "delete", "new_folder", "unmark"}, {"cancel", "retry", "pause"}),
        (
            Context(),
            {"buckets", "create_bucket", "help", "quit"},
            {"upload", "delete", "view_settings", "delete_bucket"},
        ),
        (Context("objects", True), {"upload", "new_folder"}, {"download", "delete", "sort", "unmark"}),
        (
            Context("transfers", True, verbs=ENDED),
            {"retry", "dismiss"},
            {"pause", "cancel", "delete", "refresh", "upload"},
        ),
        (Context("transfers", True, verbs=("pause", "cancel")), {"pause", "cancel"}, {"retry"}),
        (Context("transfers", True), {"view_objects"}, {"pause", "cancel", "retry"}),
        (Context("settings", True), {"delete_bucket", "remove_bucket", "refresh"}, {"delete", "upload", "cancel"}),
    ],
)
def test_what_applies_depends_on_where_one_is(context: Context, present: set[str], absent: set[str]) -> None:
    assert present <= ids(context)
    assert not absent & ids(context)


def test_the_key_line_begins_with_what_matters_most() -> None:
    line = [entry.id for entry in key_line(FULL)]
    assert line[:3] == ["upload", "download", "delete"]


def test_what_the_credentials_refuse_stands_last_and_says_why() -> None:
    here = replace(FULL, refused=frozenset({"storage.objects.create", "storage.objects.delete"}))
    assert {"upload", "delete"} <= ids(here), "greyed out, not hidden"
    line = [entry.id for entry in key_line(here)]
    assert line[0] == "download"
    assert line.index("upload") > line.index("help")
    found = {offer.command: offer for offer in offers(here, (), COMMANDS)}
    assert found["delete"].refused
    assert found["delete"].help == "! needs storage.objects.delete, which these credentials do not have here"
    assert not found["download"].refused


def test_only_commands_that_there_are_need_permissions() -> None:
    assert {entry.id for entry in COMMANDS} >= set(NEEDS)
    assert all(permission in ASKED for needed in NEEDS.values() for permission in needed)


def test_keys_are_written_as_people_write_them() -> None:
    assert [shown_key(key) for key in ("question_mark", "f8", "ctrl+d", "X", "shift+left")] == [
        "?",
        "F8",
        "^d",
        "X",
        "Shift+←",
    ]


def test_bindings_name_their_command() -> None:
    made = {(binding.key, binding.action) for binding in bindings("screen")}
    assert ("u", "command('upload')") in made
    assert ("n,f7", "command('new_folder')") in made
    assert command("upload").keys == ("u",)


def test_the_widgets_bind_the_keys_that_the_registry_tells_under_its_ids() -> None:
    for owner, widget in WIDGETS.items():
        bound: dict[str, set[str]] = {}
        for binding in widget_bindings(widget):
            bound.setdefault(binding.id or "", set()).update(binding.key.split(","))
        for entry in COMMANDS:
            if entry.owner == owner:
                assert bound.get(unit(entry)) == set(entry.keys), f"{owner}: {entry.id}"


def widget_bindings(widget: type[Widget]) -> list[Binding]:
    found = [vars(kind).get("BINDINGS", []) for kind in widget.__mro__]
    return [binding for bindings_of in found for binding in bindings_of if isinstance(binding, Binding)]


def test_the_palette_can_run_every_command_of_a_widget() -> None:
    for entry in COMMANDS:
        if entry.owner != "screen" and entry.in_palette:
            assert hasattr(WIDGETS[entry.owner], f"action_{entry.action or entry.id}"), entry.id


def test_a_search_has_the_commands_of_a_list_and_none_of_a_folder() -> None:
    found = ids(Context("find", True, "object", 0, 3))
    assert {"download", "delete", "move_to", "copy_to", "take_cut", "mark_glob", "sort", "edit_search"} <= found
    assert not {"upload", "new_folder", "rename", "filter", "paste", "restore", "refresh", "up", "find"} & found
    assert "leave_find" not in ids(Context("find", True, "object", 2, 3))
