"""An application that lends its terminal to another program for a while."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from textual.app import App


class LendingApp(App[int], inherit_bindings=False):
    """Keeps its own hands off the terminal, and off the signals that its keys send, while another program has it."""

    is_lent = False
    """Whether another program has the terminal: ctrl+c is meant for it then."""

    @contextmanager
    def lend_terminal(self) -> Iterator[None]:
        """Give the terminal away as it was before, and take it back afterwards; all is painted anew.

        The event loop goes on meanwhile.  Without a terminal of its own (in tests) nothing is given away.
        """
        if self.is_headless:
            yield
            return
        self.is_lent = True
        try:
            with self.suspend():
                yield
        finally:
            self.is_lent = False

    def is_for_another(self, number: signal.Signals) -> bool:
        """Tell whether a signal was sent by a key to the program that has the terminal."""
        return self.is_lent and number == signal.SIGINT
