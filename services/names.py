"""Names are hostile: how they are shown, addressed and written to a disk."""

from __future__ import annotations

import operator
import re
import unicodedata
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from services.errors import Rejected, UnmappableName, UsageError

NAME_LIMIT_BYTES: Final = 1024
"""Bytes of UTF-8 that an object's name may have (cloud.google.com/storage/docs/objects#naming)."""

SEGMENT_LIMIT_BYTES: Final = 255
"""Bytes that one path segment may have on the file systems in use (NAME_MAX)."""

ESCAPE_MARK: Final = "%~"
"""Starts a local path segment that stands for a name which no file can have."""

_BIDI_AND_INVISIBLE: Final = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c"
    "\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u3164"
    "\ufe00\ufe01\ufe02\ufe03\ufe04\ufe05\ufe06\ufe07\ufe08\ufe09\ufe0a\ufe0b\ufe0c\ufe0d\ufe0e\ufe0f\ufeff\uffa0"
    "\ufff9\ufffa\ufffb"
)
"""Characters that reorder or hide text (UAX #9, UTS #39): shown as escapes, so that distinct names look distinct."""

_PLAIN: Final = re.compile(r"[!-\[\]-~]([ -\[\]-~]*[!-\[\]-~])?")
"""Printable ASCII without a backslash and without spaces at the ends: the common case, shown as it is."""


def display_name(name: str) -> str:
    r"""Return `name` so that it is safe on a terminal and differs from every other name's form.

    Control characters (C0, C1, DEL), bidi and zero-width marks, unassigned and private code points, lone surrogates,
    combining marks without a base, unusual spaces, and spaces at the ends become `\xNN`, `\uNNNN` or `\UNNNNNNNN`; a
    backslash becomes `\\`.  So the function is injective (hazard 55).  Markup is not touched: hand the result to
    widgets as plain text.  Emoji that need a joiner are shown in parts.
    """
    if _PLAIN.fullmatch(name):
        return name
    last = len(name) - 1
    return "".join(_shown(name, index, last) for index in range(last + 1))


def _looks_like_another(name: str, index: int, kind: str) -> bool:
    """Tell whether a character makes a sequence that looks like its canonical twin (NFC), which is another name.

    Marks and the later parts of Hangul syllables join what is before them; some characters have a twin by themselves.
    """
    start = index
    while start and (kind[0] == "M" or "\u1160" <= name[start] <= "\u11ff"):
        start -= 1
        kind = unicodedata.category(name[start])
    return not unicodedata.is_normalized("NFC", name[start : index + 1])


def _shown(name: str, index: int, last: int) -> str:
    char = name[index]
    if char == "\\":
        return "\\\\"
    if char == " ":
        return "\\x20" if index in (0, last) else " "
    code = ord(char)
    if 0x20 < code < 0x7F:
        return char
    kind = unicodedata.category(char)
    hidden = kind[0] in "CZ" or char in _BIDI_AND_INVISIBLE or 0xE0000 <= code <= 0xE0FFF
    orphan = kind[0] == "M" and (
        index == 0 or name[index - 1] == "/" or unicodedata.category(name[index - 1])[0] in "CZ"
    )
    if not (hidden or orphan or _looks_like_another(name, index, kind)):
        return char
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class GsUrl(NamedTuple):
    """A `gs://` URL taken apart: a bucket and a raw name or prefix (nothing is percent-decoded)."""

    bucket: str
    """Name of the bucket; empty for `gs://` alone."""
    name: str = ""
    """Name of an object or a prefix; empty for the whole bucket."""

    def __str__(self) -> str:
        """Return the URL, raw."""
        return f"gs://{self.bucket}/{self.name}" if self.name else f"gs://{self.bucket}"

    @property
    def is_prefix(self) -> bool:
        """Whether it names a folder (or a whole bucket) by its form alone."""
        return not self.name or self.name.endswith("/")


def parse_gs_url(text: str) -> GsUrl:
    """Parse `gs://BUCKET[/NAME]`; the name is taken literally (`?`, `#` and `%` have no meaning).

    Raises `UsageError` for anything else.
    """
    if not text.startswith("gs://"):
        raise UsageError(f"'{display_name(text)}' is not a gs:// URL", remedy="Write it as gs://BUCKET/NAME.", url=text)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"'{display_name(text)}' is not valid UTF-8", remedy="Object names are UTF-8.", url=text
            ) from None
    bucket, _, name = text[5:].partition("/")
    if not bucket and name:
        raise UsageError(f"'{display_name(text)}' names no bucket", remedy="Write it as gs://BUCKET/NAME.", url=text)
    return GsUrl(bucket, name)


def is_gs_url(text: str) -> bool:
    """Tell whether a word of the command line means storage rather than a local path."""
    return text.startswith("gs://")


def ascending(listed: list[str]) -> bool:
    """Tell whether each name of an object comes after the one before it, as in a listing.

    The order of text is that of its bytes in UTF-8, which is the service's.
    """
    return not any(map(operator.ge, listed, listed[1:]))


def check_object_name(name: str) -> None:
    """Raise `Rejected` where the service would refuse `name` (cloud.google.com/storage/docs/objects#naming)."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise Rejected(
            f"'{display_name(name)}' is not valid UTF-8",
            remedy="Rename it; object names are UTF-8.",
            url=name,
        ) from None
    why = ""
    if not 1 <= size <= NAME_LIMIT_BYTES:
        why = f"an object's name has 1 to {NAME_LIMIT_BYTES} bytes, this one {size}"
    elif "\r" in name or "\n" in name:
        why = "it has a line break in it"
    elif name in (".", ".."):
        why = "'.' and '..' are not allowed as whole names"
    elif name.startswith(".well-known/acme-challenge/"):
        why = "names below '.well-known/acme-challenge/' are reserved"
    if why:
        raise Rejected(f"'{display_name(name)[:200]}' cannot be an object's name: {why}", remedy="Choose another name.")


_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]*[a-z0-9]")
_IP_ADDRESS: Final = re.compile(r"\d+\.\d+\.\d+\.\d+")


def bucket_name_problem(name: str) -> str:
    """Return why `name` cannot be a bucket name, or "" (cloud.google.com/storage/docs/buckets#naming)."""
    if len(name) < 3:
        return "a bucket's name has at least 3 characters"
    if len(name) > (222 if "." in name else 63) or any(len(part) > 63 for part in name.split(".")):
        return "a bucket's name has at most 63 characters (63 for each part between dots, 222 in all)"
    if not _BUCKET.fullmatch(name):
        return "only a-z, 0-9, '-', '_' and '.', beginning and ending with a letter or digit"
    if ".." in name or ".-" in name or "-." in name:
        return "a dot stands between letters or digits only"
    if _IP_ADDRESS.fullmatch(name):
        return "it looks like an IP address"
    if name.startswith("goog") or "google" in name or "g00gle" in name:
        return "names that begin with 'goog' or contain 'google' are reserved"
    return ""


_ORDINARY: Final = re.compile(r"\w[\w .-]*(?:/\w[\w .-]*)*", re.ASCII)
"""Segments of which none is empty, made of dots or an escape: most paths, which stay as they are."""


def local_path(relative: str) -> str:
    r"""Return the relative local path for an object's name below a prefix: one-to-one, and unable to leave its root.

    `relative` is the name without the prefix, segments separated by `/`, without a trailing `/`.  An ordinary segment
    stays as it is.  One that no file can have (empty, `.`, `..`, with NUL) is written as `%~` followed by its
    percent-encoded bytes; so is a segment that happens to be such an escape itself, which makes `object_name` the
    exact inverse.  On disk nothing begins with `/`, climbs, or vanishes (hazard 56).  Raises `UnmappableName` for a
    segment of more than 255 bytes and for lone surrogates.
    """
    if len(relative) <= SEGMENT_LIMIT_BYTES and _ORDINARY.fullmatch(relative):
        return relative
    return "/".join(_segment_out(segment, relative) for segment in relative.split("/"))


def _segment_out(segment: str, whole: str) -> str:
    try:
        size = len(segment.encode())
        # The raw length is checked first: it also bounds how deep escapes of escapes can nest.
        if size <= SEGMENT_LIMIT_BYTES and (_has_no_file(segment) or _unescape(segment) is not None):
            segment = _escape(segment)
            size = len(segment)
    except UnicodeEncodeError:
        raise UnmappableName(f"'{display_name(whole)}' is not valid UTF-8", url=whole) from None
    if size > SEGMENT_LIMIT_BYTES:
        raise UnmappableName(
            f"'{display_name(whole)[:200]}' has a part of {size} bytes; files have at most {SEGMENT_LIMIT_BYTES}",
            url=whole,
        )
    return segment


def _has_no_file(segment: str) -> bool:
    return segment in ("", ".", "..") or "\0" in segment


def _escape(segment: str) -> str:
    # quote() leaves the dot alone, and a dot alone would still climb: it is encoded by hand.
    return ESCAPE_MARK + quote(segment, safe=" !'()+,;=@[]{}~").replace(".", "%2E")


def _unescape(segment: str) -> str | None:
    """Return what an escape stands for; None for a segment that `_segment_out` never writes as an escape."""
    if not segment.startswith(ESCAPE_MARK):
        return None
    try:
        original = unquote_to_bytes(segment[len(ESCAPE_MARK) :]).decode()
    except UnicodeDecodeError:
        return None
    needed = _has_no_file(original) or _unescape(original) is not None
    return original if needed and _escape(original) == segment else None


def object_name(path: str) -> str:
    """Return the object's name for a relative local path (`/` between segments): the inverse of `local_path`.

    A segment that only looks like an escape (`%~x`, which `local_path` never writes for anything else) is kept.
    Raises `UnmappableName` for a path that is not valid UTF-8 (hazard 69; such names arrive with surrogates).
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        raise UnmappableName(
            f"the name '{display_name(path)}' is not valid UTF-8",
            remedy="Rename the file; object names are UTF-8.",
            url=path,
        ) from None
    if ESCAPE_MARK not in path:
        return path
    return "/".join(segment if (name := _unescape(segment)) is None else name for segment in path.split("/"))


def parent_prefix(name: str) -> str:
    """Return the prefix a name lies in: `a/b` → `a/`, `a/b/` → `a/`, `a` → an empty string."""
    return name.rstrip("/").rpartition("/")[0] + "/" if "/" in name.rstrip("/") else ""


def base_name(name: str) -> str:
    """Return the last segment of a name, with its trailing `/` if it is a prefix: `a/b/` → `b/`."""
    if name.endswith("/"):
        return name[:-1].rpartition("/")[2] + "/"
    return name.rpartition("/")[2]
