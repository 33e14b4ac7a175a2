"""Inside Replit without a word of configuration: sub-commands against a stand-in for its sidecar."""

from __future__ import annotations

import json

from tests.replit import BUCKET, Repl, repl

__all__ = ["repl"]


def test_the_default_bucket_is_attached_and_current_without_any_configuration(repl: Repl) -> None:
    [line], said = repl.say("--json", "buckets")
    record = json.loads(line)
    assert (record["name"], record["attached"], record["current"]) == (BUCKET, True, True)
    assert record["access"] == "read/write"
    assert said == "", "that no other bucket can be listed is normal here"
    assert repl.say("ls", f"gs://{BUCKET}/notes/")[0] == [f"gs://{BUCKET}/notes/a.txt"]


def test_settings_that_cannot_be_read_stop_nothing_else(repl: Repl) -> None:
    [line], said = repl.say("--json", "usage")
    record = json.loads(line)
    assert (record["url"], record["objects"], record["size"]) == (f"gs://{BUCKET}", 1, 5)
    assert "Replit" in record["monthly_cost"]["prices"]
    assert "storage.buckets.get is not allowed" in said
    repl.say("settings", f"gs://{BUCKET}", code=7)
    repl.say("rm", f"gs://{BUCKET}/notes/a.txt")
    [line], _ = repl.say("--json", "versions", f"gs://{BUCKET}/notes/a.txt")
    assert json.loads(line)["state"] == "soft-deleted"
    repl.say("restore", f"gs://{BUCKET}/notes/a.txt")
    assert repl.say("cat", f"gs://{BUCKET}/notes/a.txt")[0] == ["hello"]


def test_the_sidecar_signs_links(repl: Repl) -> None:
    assert repl.say("url", f"gs://{BUCKET}/notes/a.txt") == (
        [f"https://signed.example/{BUCKET}/notes/a.txt?sig=GET"],
        "",
    )
    [line], _ = repl.say("--json", "url", f"gs://{BUCKET}/in.csv", "--method", "PUT", "--for", "15min")
    record = json.loads(line)
    assert (record["kind"], record["url"], record["method"]) == ("url", f"gs://{BUCKET}/in.csv", "PUT")
    assert record["signed_url"].endswith("?sig=PUT")
    repl.say("url", f"gs://{BUCKET}/notes/a.txt", "--for", "8d", code=1)


def test_a_sidecar_from_before_the_bucket_says_to_restart(repl: Repl) -> None:
    repl.started_too_early = True
    _, said = repl.say("ls", f"gs://{BUCKET}", code=7)
    assert "no bucket is allowed for this Repl yet" in said
    assert "Restart the workspace" in said


def test_without_a_bucket_it_is_said_where_they_are_made(repl: Repl) -> None:
    repl.default = ""
    lines, said = repl.say("buckets")
    assert lines == []
    assert "Replit's Object Storage tool" in said
    _, said = repl.say("mb", "gs://mine-1", code=7)
    assert "Replit's Object Storage tool" in said
    assert repl.say("attach", f"gs://{BUCKET}")[1].startswith("Attached")
    assert repl.say("buckets")[0] == [f"gs://{BUCKET}"]


def test_access_explains_what_takes_its_place(repl: Repl) -> None:
    repl.denied.add(("GET", f"/storage/v1/b/{BUCKET}/iam"))
    _, said = repl.say("access", f"gs://{BUCKET}", code=7)
    assert "add the bucket to another app" in said
