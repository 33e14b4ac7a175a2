"""`pail access`: who may do what with a bucket, and granting and revoking without overwriting anybody's change."""

from __future__ import annotations

import asyncio
from typing import Any

from app.cli.confirm import confirm
from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.mb import bucket_of
from app.cli.output import Output
from app.cli.runtime import run_async
from services.changing import send_policy
from services.connection import Connection
from services.credentials import own_members
from services.errors import Forbidden, PailError, UsageError
from services.gcs.interface import ControlPlane
from services.model import BucketInfo, IamPolicy
from services.names import display_name
from services.policy import (
    INHERITED_NOTE,
    REPLIT_NOTE,
    Grant,
    grant,
    grant_warnings,
    grants,
    revoke,
    revoke_warnings,
)
from services.policy_words import PERMISSIONS, may_sentence, member_words, parse_member, parse_role, role_title


def run(context: Context) -> int:
    """Show or change access."""
    args = context.args
    if args.verb and not args.role:
        raise UsageError(f"'{args.verb}' needs a member and a role", remedy="Write it as grant ada@example.com viewer.")
    return run_async(_change(context) if args.verb else _show(context))


async def _show(context: Context) -> int:
    output = context.output
    bucket = bucket_of(context.args.url)
    async with open_connection(context) as (connection, storage):
        await _say_own(output, storage.control, bucket)
        try:
            policy = await storage.control.get_policy(bucket)
        except Forbidden as error:
            raise _explained(error, connection) from error
    found = grants(policy)
    if output.json:
        for each in found:
            output.record("access", **grant_record(bucket, each))
        return 0
    _print_table(output, found)
    output.flush()
    output.message(INHERITED_NOTE)
    return 0


def _print_table(output: Output, found: list[Grant]) -> None:
    width = min(48, max((len(each.who) for each in found), default=0))
    for each in found:
        notes = [each.when, "through the project" if each.origin != "here" else "", "PUBLIC" if each.public else ""]
        note = "; ".join(part for part in notes if part)
        output.line(f"{each.who:{width}}  {each.what}" + (f"  ({note})" if note else ""))


async def _say_own(output: Output, control: ControlPlane, bucket: str) -> None:
    """Say what these credentials may do; a service that does not tell is no failure."""
    try:
        allowed = await control.test_permissions(bucket, list(PERMISSIONS))
    except Forbidden as error:
        output.detail(error.message)
        return
    if output.json:
        output.record("permissions", url=f"gs://{bucket}", allowed=sorted(allowed))
    else:
        output.message(may_sentence(allowed))


def _explained(error: Forbidden, connection: Connection) -> PailError:
    """Return the refusal with what takes the place of roles in Replit."""
    if connection.credentials.kind != "replit":
        return error
    return Forbidden(error.message, remedy=REPLIT_NOTE, url=error.url)


async def _change(context: Context) -> int:
    args, output = context.args, context.output
    bucket, member, role = bucket_of(args.url), parse_member(args.member), parse_role(args.role)
    giving = args.verb == "grant"

    def apply(policy: IamPolicy) -> IamPolicy:
        return (
            grant(policy, member, role) if giving else revoke(policy, member, role, whatever_condition=args.conditional)
        )

    async with open_connection(context) as (connection, storage):
        control = storage.control
        try:
            policy = await control.get_policy(bucket)
        except Forbidden as error:
            raise _explained(error, connection) from error
        wanted = apply(policy)
        who, what = member_words(member), role_title(role)
        if wanted is policy:
            _say_nothing_to_do(output, policy, member, role, giving=giving)
            return 0
        if giving:
            warnings = grant_warnings(await _settings(control, bucket), member, role)
        else:
            warnings = revoke_warnings(policy, wanted, await asyncio.to_thread(own_members, connection))
        if warnings:
            verb = "Grant" if giving else "Revoke"
            await confirm(context, f"{' '.join(warnings)} {verb} it?", url=args.url)
        policy = await send_policy(control, bucket, wanted, apply)
    if output.json:
        for each in grants(policy):
            output.record("access", **grant_record(bucket, each))
    shown = f"gs://{display_name(bucket)}"
    output.message(f"{who}: {what} on {shown}" if giving else f"{who}: no longer {what} on {shown}")
    return 0


async def _settings(control: ControlPlane, bucket: str) -> BucketInfo | None:
    try:
        return await control.get_bucket(bucket)
    except Forbidden:
        return None


def _say_nothing_to_do(output: Output, policy: IamPolicy, member: str, role: str, *, giving: bool) -> None:
    who, what = member_words(member), role_title(role)
    if giving:
        output.message(f"{who}: {what} already")
        return
    conditional = any(each.member == member and each.role == role for each in grants(policy))
    hint = " without a condition; add --conditional to revoke it with one" if conditional else ""
    output.message(f"{who}: not {what} here{hint}")


def grant_record(bucket: str, grant: Grant) -> dict[str, Any]:
    """Return the fields of one grant."""
    return {
        "url": f"gs://{bucket}",
        "member": grant.member,
        "role": grant.role,
        "condition": dict(grant.condition) if grant.condition else None,
        "public": grant.public,
        "origin": grant.origin,
        "who": grant.who,
        "what": grant.what,
    }
