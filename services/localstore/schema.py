"""The tables of the store.

Names of objects and folders are BLOBs of UTF-8, because SQLite compares those byte by byte, which is the order of
Google Cloud Storage, and because a prefix's end is then the prefix with its last byte raised by one.
Times are microseconds since the epoch. `properties` holds what a client may set, as JSON.
"""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = 2
"""Kept in `PRAGMA user_version`; a store with another one is refused, never guessed at."""

LIVE: Final = 0
"""State of the generation that a plain name means."""

NONCURRENT: Final = 1
"""State of a generation that versioning keeps."""

SOFT_DELETED: Final = 2
"""State of a generation that can be restored until its `expires`."""

SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE buckets (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    metageneration INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER,
    expires INTEGER,
    properties TEXT NOT NULL,
    iam TEXT NOT NULL,
    iam_version INTEGER NOT NULL
);
CREATE UNIQUE INDEX live_buckets ON buckets (name) WHERE deleted IS NULL;
CREATE INDEX deleted_buckets ON buckets (name, generation) WHERE deleted IS NOT NULL;

CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    bucket INTEGER NOT NULL REFERENCES buckets (id),
    name BLOB NOT NULL,
    generation INTEGER NOT NULL,
    metageneration INTEGER NOT NULL,
    state INTEGER NOT NULL,
    size INTEGER NOT NULL,
    blob INTEGER,
    crc32c TEXT NOT NULL,
    md5 TEXT,
    components INTEGER,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    classified INTEGER NOT NULL,
    deleted INTEGER,
    expires INTEGER,
    released INTEGER,
    properties TEXT NOT NULL
);
CREATE UNIQUE INDEX live_objects ON objects (bucket, name) WHERE state = 0;
CREATE UNIQUE INDEX kept_objects ON objects (bucket, name, generation) WHERE state < 2;
CREATE INDEX soft_deleted_objects ON objects (bucket, name, generation) WHERE state = 2;
CREATE INDEX expiring_objects ON objects (expires) WHERE expires IS NOT NULL;

CREATE TABLE folders (
    id INTEGER PRIMARY KEY,
    bucket INTEGER NOT NULL REFERENCES buckets (id),
    name BLOB NOT NULL,
    metageneration INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (bucket, name)
);

CREATE TABLE uploads (
    id INTEGER PRIMARY KEY,
    secret TEXT NOT NULL UNIQUE,
    bucket TEXT NOT NULL,
    name BLOB NOT NULL,
    state TEXT NOT NULL,
    received INTEGER NOT NULL,
    total INTEGER,
    created INTEGER NOT NULL,
    request TEXT NOT NULL,
    result TEXT
);

CREATE TABLE rewrites (
    token TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    done INTEGER NOT NULL,
    created INTEGER NOT NULL
) WITHOUT ROWID;
"""

MULTIPART_SCHEMA: Final = """
CREATE TABLE multipart_uploads (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    bucket INTEGER NOT NULL,
    name BLOB NOT NULL,
    created INTEGER NOT NULL,
    properties TEXT NOT NULL
);
CREATE INDEX multipart_names ON multipart_uploads (bucket, name, key);

CREATE TABLE multipart_parts (
    upload INTEGER NOT NULL REFERENCES multipart_uploads (id),
    number INTEGER NOT NULL,
    blob INTEGER,
    size INTEGER NOT NULL,
    md5 TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
"""
"""Multipart uploads of the XML API: what version 2 has more than version 1."""
