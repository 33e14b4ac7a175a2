"""`pail settings`: a bucket's settings in words, and changes of exactly those that are named."""

from __future__ import annotations

from typing import Any

from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.mb import bucket_of
from app.cli.output import Output
from app.cli.records import bucket_settings_record
from app.cli.runtime import run_async
from services.changing import send_settings
from services.model import BucketInfo
from services.names import display_name
from services.settings import SETTINGS, caution, changes, facts, setting


def run(context: Context) -> int:
    """Show or change the settings."""
    return run_async(_run(context))


async def _run(context: Context) -> int:
    args, output = context.args, context.output
    bucket = bucket_of(args.url)
    async with open_connection(context) as (_, storage):
        info = await storage.control.get_bucket(bucket)
        if not args.changes:
            _show(output, info)
            return 0
        patch = changes(info, args.changes)
        wanted = list(dict.fromkeys(setting(change.partition("=")[0]) for change in args.changes))
        if patch:
            _warn(output, args.changes)
            info = await send_settings(storage.control, info, patch)
    if output.json:
        output.record("settings", **settings_record(info))
    for each in wanted:
        output.message(f"{each.label}: {each.show(info)}")
    return 0


def _warn(output: Output, assignments: list[str]) -> None:
    """Say what is to be known of the changes, each thing once."""
    cautions: dict[str, str] = {}
    for assignment in assignments:
        key, _, text = assignment.partition("=")
        wanted = setting(key)
        if words := caution(wanted, text):
            cautions[wanted.label] = words
    for label, words in cautions.items():
        output.message(f"{label}: {words}")


def _show(output: Output, info: BucketInfo) -> None:
    if output.json:
        output.record("settings", **settings_record(info))
        return
    rows = [(fact.label, fact.value, "") for fact in facts(info)]
    rows += [(each.label, each.show(info), each.key) for each in SETTINGS]
    label_width, value_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    value_width = min(value_width, 40)
    for label, value, key in rows:
        note = f"  {key}=…" if key and output.is_terminal else ""
        output.line(f"{label:{label_width}}  {value:{value_width if note else 0}}{note}")
    if output.is_terminal:
        output.message(f"Change one: pail settings gs://{display_name(info.name)} KEY=VALUE")


def settings_record(info: BucketInfo) -> dict[str, Any]:
    """Return all settings of a bucket: what is fixed, and by key what can be changed, as it is typed and in words."""
    fixed = bucket_settings_record(info)
    names = ("url", "name", "location", "location_type", "created", "metageneration", "hierarchical_namespace")
    return {
        **{name: fixed[name] for name in names},
        "settings": {each.key: {"value": each.typed(info), "words": each.show(info)} for each in SETTINGS},
    }
