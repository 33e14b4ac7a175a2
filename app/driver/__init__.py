"""What stands between Textual and the terminal: only cells that changed go over the line.

Textual writes whole styled lines. `DiffScreen` reads them, knows what each cell of the terminal shows, and says only
what differs; `FrameWriter` does that on a thread of its own; `DiffingDriver` puts both under Textual's driver for Linux
and macOS.
"""
