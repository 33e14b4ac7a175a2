"""Where a person is and what is chosen: what decides which commands make sense now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

View = Literal["objects", "find", "settings", "transfers", "sync", "usage"]
"""A view of the main screen; `find` stands in place of the objects."""

VIEWS: Final[tuple[tuple[View, str], ...]] = (
    ("objects", "Objects"),
    ("settings", "Settings"),
    ("transfers", "Transfers"),
    ("sync", "Sync"),
    ("usage", "Usage"),
)
"""The views in the order of their numbers, with their titles."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a command's applicability depends on: plain values, so that the predicates can be tested as a table."""

    view: View = "objects"
    """The view that is shown."""
    bucket: bool = False
    """Whether a bucket is open."""
    cursor: Literal["", "object", "folder"] = ""
    """What the cursor of the tree stands on."""
    marked: int = 0
    """How many rows are marked."""
    rows: int = 0
    """How many rows the listing has."""
    deeper: bool = False
    """Whether a folder is shown, not the top of the bucket."""
    filtering: bool = False
    """Whether a filter hides rows."""
    refused: frozenset[str] = frozenset()
    """Permissions on the open bucket that these credentials are known not to have."""
    verbs: tuple[str, ...] = ()
    """What can be done with the row under the cursor of the transfers."""
    pair_verbs: tuple[str, ...] = ()
    """What can be done with the row under the cursor of the pairs."""
    held: bool = False
    """Whether something was copied or cut, to be pasted."""
    undoable: bool = False
    """Whether something that was done on a screen can be undone."""
    past: bool = False
    """Whether deleted objects and older generations are shown."""

    greeting: bool = False
    """Whether the line for newcomers is shown."""
    done: bool = False
    """Whether the engine was given something to do in this session."""
    counting: bool = False
    """Whether the usage view counts."""
    share: Literal["", "folder", "object", "uploads", "rule", "link"] = ""
    """What the cursor of the usage view stands on."""
    missing: bool = False
    """Whether the service says that there is no such bucket."""

    @property
    def chosen(self) -> bool:
        """Whether there is something to act on: marked rows, or the cursor's."""
        return self.marked > 0 or self.cursor != ""


def always(_: Context) -> bool:
    """Tell that it makes sense everywhere."""
    return True


def in_objects(context: Context) -> bool:
    """Tell whether the objects of a bucket are shown."""
    return context.view == "objects" and context.bucket


def in_finds(context: Context) -> bool:
    """Tell whether a search stands in place of the objects."""
    return context.view == "find" and context.bucket


def in_list(context: Context) -> bool:
    """Tell whether a list of objects is shown: those of a folder, or those that were found."""
    return in_objects(context) or in_finds(context)


def in_folder(context: Context) -> bool:
    """Tell whether there is a folder around what is shown."""
    return in_objects(context) and context.deeper


def filtering(context: Context) -> bool:
    """Tell whether rows are hidden and nothing is marked: esc unmarks first."""
    return in_objects(context) and context.filtering and not context.marked


def with_rows(context: Context) -> bool:
    """Tell whether there are rows."""
    return in_list(context) and context.rows > 0


def with_tree_rows(context: Context) -> bool:
    """Tell whether there are rows of a folder."""
    return in_objects(context) and context.rows > 0


def with_finds(context: Context) -> bool:
    """Tell whether something was found."""
    return in_finds(context) and context.rows > 0


def finds_unmarked(context: Context) -> bool:
    """Tell whether a search stands there and nothing of it is marked: esc unmarks first."""
    return in_finds(context) and not context.marked


def with_marks(context: Context) -> bool:
    """Tell whether rows are marked."""
    return in_list(context) and context.marked > 0


def chosen(context: Context) -> bool:
    """Tell whether there is something to act on."""
    return in_list(context) and context.chosen


def writable(context: Context) -> bool:
    """Tell whether objects may be created here."""
    return in_objects(context) and not context.missing


def chosen_writable(context: Context) -> bool:
    """Tell whether there is something to act on that may be changed."""
    return chosen(context)


def on_row(context: Context) -> bool:
    """Tell whether the cursor stands on something that may be changed."""
    return in_objects(context) and context.cursor != ""


def on_object(context: Context) -> bool:
    """Tell whether the cursor stands on an object."""
    return in_objects(context) and context.cursor == "object"


def on_writable_object(context: Context) -> bool:
    """Tell whether the cursor stands on an object that may be changed."""
    return on_object(context)


def pastable(context: Context) -> bool:
    """Tell whether something was copied or cut that may be pasted here."""
    return writable(context) and context.held


def undoable(context: Context) -> bool:
    """Tell whether something can be undone."""
    return context.view in ("objects", "find", "transfers", "usage") and context.undoable


def restorable(context: Context) -> bool:
    """Tell whether there may be something to restore among what is chosen."""
    return in_objects(context) and chosen_writable(context) and context.past


def comparable(context: Context) -> bool:
    """Tell whether two things are marked that can be compared, or the cursor's may have others of its name."""
    return in_objects(context) and (context.marked == 2 or (context.past and context.cursor == "object"))


def greeting(context: Context) -> bool:
    """Tell whether the line for newcomers can be put away: esc unmarks and clears the filter first."""
    return context.greeting and not context.marked and not context.filtering


def doing(context: Context) -> bool:
    """Tell whether something was done that can be shown as a command."""
    return context.done


def with_bucket(context: Context) -> bool:
    """Tell whether a bucket is open."""
    return context.bucket


def in_settings(context: Context) -> bool:
    """Tell whether the settings of a bucket are shown."""
    return context.view == "settings" and context.bucket


def in_usage(context: Context) -> bool:
    """Tell whether the usage of a bucket is shown."""
    return context.view == "usage" and context.bucket


def on_share(*kinds: str) -> Callable[[Context], bool]:
    """Return whether the cursor of the usage view stands on something of these kinds."""

    def applies(context: Context) -> bool:
        return in_usage(context) and context.share in kinds

    return applies


def counting(context: Context) -> bool:
    """Tell whether the usage view counts."""
    return in_usage(context) and context.counting


def countable(context: Context) -> bool:
    """Tell whether a count may begin."""
    return in_usage(context) and not context.counting


def in_transfers(context: Context) -> bool:
    """Tell whether the transfers are shown."""
    return context.view == "transfers"


def can(*verbs: str) -> Callable[[Context], bool]:
    """Return whether one of `verbs` can be done with the transfer under the cursor."""

    def applies(context: Context) -> bool:
        return context.view == "transfers" and any(verb in context.verbs for verb in verbs)

    return applies


def can_pair(verb: str) -> Callable[[Context], bool]:
    """Return whether `verb` can be done with the pair under the cursor."""

    def applies(context: Context) -> bool:
        return context.view == "sync" and verb in context.pair_verbs

    return applies


def connected_view(context: Context) -> bool:
    """Tell whether a pair can be made here: among the objects of a bucket, or among the pairs."""
    return in_objects(context) or context.view == "sync"
