"""The dialog for targets that exist: replace, keep both, skip; one by one or all at once."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Checkbox

from app.screens.dialog import Dialog, Label, button, shown
from services.transfer.messages import Answer, ConflictPolicy, JobView, TransferView
from widgets import formats

_THREE: Final = (
    "r  Replace it with the new one\nk  Keep both: the new one gets another name\ns  Skip: leave what is there"
)


class ConflictDialog(Dialog[Answer]):
    """Asks what to do with targets that exist; Skip has the focus, Esc leaves the job waiting."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "decide('replace')", "Replace", show=False),
        Binding("k", "decide('keep-both')", "Keep both", show=False),
        Binding("s", "decide('skip')", "Skip", show=False),
        Binding("a", "toggle_all", "All", show=False),
    ]

    def __init__(self, job: JobView, example: TransferView) -> None:
        """Ask about one transfer of `job`, and offer to decide all."""
        several = job.conflicts > 1
        if example.action == "restore":
            heading = f"{job.conflicts:,} names have live objects" if several else "The name has a live object"
        else:
            heading = f"{job.conflicts:,} targets exist already" if several else "The target exists already"
        super().__init__(heading)
        self._job = job
        self._example = example

    @property
    def _restores(self) -> bool:
        """Whether something comes back under its own name: it cannot get another one."""
        return self._example.action == "restore"

    def body(self) -> ComposeResult:
        """Yield the example and the switch for all."""
        example = self._example
        yield Label(shown(example.target), classes="dialog-url")
        if self._restores:
            yield Label(f"generation {example.generation} is to be live again", classes="dialog-note")
            words = "r  Replace it: the older one is live again\ns  Skip: leave what is there"
        else:
            yield Label(f"from {shown(example.source)} · {formats.size(example.size)}", classes="dialog-note")
            words = _THREE
        yield Label("", classes="dialog-note")
        yield Label(words, classes="dialog-text")
        if self._job.conflicts > 1 or self._job.items > 1:
            # Others may still be found: the answer for all holds for them as well, so a job asks once.
            going = self._job.state != "asking"
            count = f"{self._job.conflicts:,} so far and any to come" if going else f"{self._job.conflicts:,}"
            box = Checkbox(f"The same for all of this job: {count} (a)", id="all", compact=True)
            box.value = True
            yield box

    def buttons(self) -> ComposeResult:
        """Yield the three answers."""
        yield button("Skip", "skip", main=True)
        if not self._restores:
            yield button("Keep both", "keep-both")
        yield button("Replace", "replace", danger=True)

    def on_mount(self) -> None:
        """Give the focus to the answer that changes nothing."""
        self.query_one("#skip", Button).focus()

    def action_toggle_all(self) -> None:
        """Switch between one and all."""
        for box in self.query("#all").results(Checkbox):
            box.toggle()

    def action_decide(self, policy: ConflictPolicy) -> None:
        """Answer."""
        if policy == "keep-both" and self._restores:
            return
        everything = all(box.value for box in self.query("#all").results(Checkbox))
        alone = self._job.conflicts <= 1
        transfer = "" if everything and not alone else self._example.id
        self.dismiss(Answer(self._job.id, policy, transfer))

    @on(Button.Pressed)
    def _answer_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "replace":
                self.action_decide("replace")
            case "keep-both":
                self.action_decide("keep-both")
            case _:
                self.action_decide("skip")
