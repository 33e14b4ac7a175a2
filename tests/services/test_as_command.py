"""What was done on the screen as a command of gcloud and of pail: quoted, and meaning the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from services.as_command import MOST, as_commands
from services.connection import Connection
from services.transfer.messages import Action, JobItem, JobSpec


def lines(action: Action, *items: JobItem, conflict: str = "replace", undoes: str = "") -> tuple[list[str], list[str]]:
    spec = JobSpec(action, Connection(), items, conflict=conflict, undoes=undoes)  # type: ignore[arg-type]
    gcloud, pail = as_commands(spec)
    return gcloud.text.splitlines(), pail.text.splitlines()


@pytest.mark.parametrize(
    ("action", "item", "gcloud", "pail"),
    [
        (
            "upload",
            JobItem("/home/me/a b.txt", "gs://b/a b.txt"),
            "gcloud storage cp '/home/me/a b.txt' 'gs://b/a b.txt'",
            "pail cp '/home/me/a b.txt' 'gs://b/a b.txt'",
        ),
        (
            "upload",
            JobItem("/home/me/dir", "gs://b/p/dir/", tree=True),
            "gcloud storage rsync --recursive /home/me/dir gs://b/p/dir/",
            "pail cp -r /home/me/dir gs://b/p/",
        ),
        (
            "download",
            JobItem("gs://b/p/dir/", "/home/me/other", tree=True),
            "gcloud storage rsync --recursive gs://b/p/dir/ /home/me/other",
            "pail cp -r gs://b/p/dir/ /home/me/other",
        ),
        (
            "move",
            JobItem("gs://b/old/", "gs://b/new/", tree=True),
            "gcloud storage mv 'gs://b/old/*' gs://b/new/",
            "pail mv -r gs://b/old/ gs://b/new",
        ),
        ("delete", JobItem("gs://b/x", generation=7), "gcloud storage rm gs://b/x", "pail rm gs://b/x"),
        (
            "delete",
            JobItem("gs://b/x", generation=7, exact=True),
            "gcloud storage rm 'gs://b/x#7'",
            "pail rm --generation 7 gs://b/x",
        ),
        (
            "delete",
            JobItem("gs://b/what?.txt"),
            "gcloud storage rm 'gs://b/what[?].txt'",
            "pail rm --literal 'gs://b/what?.txt'",
        ),
        (
            "delete-bucket",
            JobItem("gs://b", tree=True),
            "gcloud storage rm --recursive --all-versions gs://b/",
            "pail rb --all gs://b",
        ),
        (
            "restore",
            JobItem("gs://b/x", "gs://b/x", generation=7, exact=True),
            "gcloud storage restore 'gs://b/x#7'",
            "pail restore --generation 7 gs://b/x",
        ),
        (
            "restore",
            JobItem("gs://b/x/", "gs://b/x/", tree=True),
            "gcloud storage restore 'gs://b/x/**'",
            "pail restore -r gs://b/x/",
        ),
    ],
)
def test_a_job_has_its_command(action: Action, item: JobItem, gcloud: str, pail: str) -> None:
    assert lines(action, item) == ([gcloud], [pail])


def test_what_exists_is_skipped_by_both() -> None:
    gcloud, pail = lines("copy", JobItem("gs://b/x", "gs://c/x"), conflict="skip")
    assert " --no-clobber " in gcloud[0]
    assert " --no-clobber " in pail[0]


def test_undo_names_the_job() -> None:
    gcloud, pail = lines("undo", JobItem("gs://b/x"), undoes="12")
    assert pail == ["pail undo 12"]
    assert gcloud[0].startswith("#")


@pytest.mark.parametrize("name", ["$(touch pwned).txt", "it's", "a;b", "a b", "\x1b]0;t\x07", "\\n"])
def test_a_hostile_name_is_one_word(name: str, tmp_path: Path) -> None:
    for text in lines("copy", JobItem(f"gs://b/{name}", "gs://c/x")):
        assert text[0].isprintable()
        script = f"printf '%s\\0' {text[0]}"
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, check=True)
        assert done.stdout.decode().split("\0")[-3:] == [f"gs://b/{name}", "gs://c/x", ""]
    assert not list(tmp_path.iterdir())


def test_many_are_counted() -> None:
    gcloud, _ = lines("delete", *(JobItem(f"gs://b/{number}") for number in range(MOST + 5)))
    assert len(gcloud) == MOST + 1
    assert gcloud[-1] == "# and 5 more like these"
