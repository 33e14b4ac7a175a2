"""The embedded store: a durable, streaming server of Google's JSON API on loopback.

`launcher` finds or starts the detached store of a folder, `server` runs one in the foreground or in a test,
and the other modules are the protocol: `http` and `routes` below every operation, `database` and `blobs`
beneath them all.
"""

from __future__ import annotations
