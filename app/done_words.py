"""What was done, in the past tense: by a job or with one object, on the screen and in a terminal."""

from __future__ import annotations

from typing import Final

DONE: Final = {
    "upload": "Uploaded",
    "download": "Downloaded",
    "copy": "Copied",
    "move": "Moved",
    "delete": "Deleted",
    "make-folder": "Created",
    "restore": "Restored",
}
"""Of the actions that mean the same to both."""
