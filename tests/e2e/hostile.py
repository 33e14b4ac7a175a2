"""Names of hazards 44, 55 and 56."""

from __future__ import annotations

from typing import Final

SAFE_ON_DISK: Final = [
    "CON",
    "sp ace.txt",
    "q?#%25.txt",
    "[red]x[/].txt",
    "[@click=app.quit]",
    "ünï/ćode.txt",
    "-dash",
    "a\x1b]0;x\x07b",
    "\x1b]52;c;aGk=\x07",
    "bidi\u202egpj.exe",
    "zero\u200bwidth",
    "c1\u009b31m",
    "*",
    "glob*[ab]?",
    "..\\x",
    "deep/er/and/deeper",
    "e\u0301",
]
"""Names that a file can have as they are."""

ESCAPED_ON_DISK: Final = ["a//b", "./x", "../../etc/passwd", "/abs", "c/../b", "%~x"]
"""Names that no file has: they are written by a reversible escape."""

IN_BUCKET_ONLY: Final = ["a", "a/b", "dir", "dir/", "x", "[/foo]"]
"""Names that a bucket holds side by side, and a disk partly cannot."""

ALL: Final = sorted({*SAFE_ON_DISK, *ESCAPED_ON_DISK, *IN_BUCKET_ONLY}, key=str.encode)
"""All of them, in byte order."""
