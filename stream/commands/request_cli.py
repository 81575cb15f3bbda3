"""What is asked of the owners of shards, and carried out by them: `pause`, `resume`, `forget`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from resampler.errors import InvalidInputError, ResamplerError
from stream.commands.command_line import common, named, open_shards, print_json
from stream.commands.pause import keep, late, lines, pause_stream, resume_stream
from stream.shard.forget import request_forget, request_member, row_id_of
from stream.shard.pause import check_reason

if TYPE_CHECKING:
    from collections.abc import Callable


def waiting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a request to the owners of all shards, however many there are."""
    for option in (
        click.option(
            "--shards", type=int, help="Number of shards of the stream.  [default: as its first worker had it]"
        ),
        click.option(
            "--ledger",
            "ledger",
            metavar="DIRECTORY",
            help="Keep what came of it here too; the stream itself keeps it in any case.",
        ),
        click.option(
            "--wait",
            "wait_s",
            default=5.0,
            show_default=True,
            help="Seconds to wait at most until every owner has carried it out.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@named
@waiting
@click.option("--reason", default="", help="Why, for those who read `status` later; at most 200 characters.")
def pause(
    url: str | None,
    name: str,
    shards: int | None,
    as_json: bool,
    reason: str,
    wait_s: float,
    ledger: str | None,
) -> None:
    """Go on passing real rows, and make no synthetic ones.

    Until `resume`; every shard says behind which entry it began.
    """
    words = check_reason(reason)
    _check_wait(wait_s)
    _say_switch(pause_stream(name, open_shards(url, name, shards), words, wait_s), as_json, wait_s, ledger)


@click.command()
@named
@waiting
def resume(url: str | None, name: str, shards: int | None, as_json: bool, wait_s: float, ledger: str | None) -> None:
    """Make synthetic rows again; nothing is made up for the pause."""
    _check_wait(wait_s)
    _say_switch(resume_stream(name, open_shards(url, name, shards), wait_s), as_json, wait_s, ledger)


def _check_wait(wait_s: float) -> None:
    if not 0 <= wait_s < math.inf:
        raise InvalidInputError(f"--wait must be 0 or more and finite, got {wait_s}")


def _say_switch(report: dict[str, Any], as_json: bool, wait_s: float, ledger: str | None) -> None:
    if as_json:
        print_json(report)
    else:
        for line in lines(report):
            click.echo(line, err=True)
    if ledger is not None:
        keep(report, ledger)
    if wait_s and (shards := late(report)):
        raise ResamplerError(
            f"--wait {wait_s:g} is over and the owners of {', '.join(shards)} have not carried it out: the request is "
            "kept; see that they get on (resampler stream status, /healthz), and are of a release that can pause"
        )


@click.command()
@common
@click.option("--row-id", "row_ids", multiple=True, required=True, help="Row id, or the entry ID that XADD returned.")
@click.option("--shard", type=click.IntRange(min=0), help="Only this one: two shards may hold rows of one id.")
@click.option("--wait", "wait_s", default=0.0, help="Seconds to wait until a worker has done it.")
def forget(
    url: str | None,
    name: str,
    shards: int,
    as_json: bool,
    row_ids: tuple[str, ...],
    shard: int | None,
    wait_s: float,
) -> None:
    """Remove rows from the buffers for good.

    No later synthetic row descends from them.
    """
    _check_wait(wait_s)
    if shard is not None and shard >= shards:
        raise InvalidInputError(f"--shard must be below --shards {shards}, got {shard}")
    members = [request_member(text) for text in row_ids]
    asked = open_shards(url, name, shards)[slice(shard, None if shard is None else shard + 1)]
    pending, held = request_forget(asked, members, wait_s)
    ids = [row_id_of(member) for member in members]
    if len(asked) > 1:
        click.echo(
            f"row ids are not unique across shards: asked of all {len(asked)}, each forgets its own row of that id; "
            "--shard N asks one",
            err=True,
        )
    if as_json:
        print_json(
            {
                "stream": name,
                "shards": [keys.input for _, keys in asked],
                "row_ids": ids,
                "pending": pending,
                "held": held,
            }
        )
    if pending and wait_s:
        raise ResamplerError(
            f"--wait {wait_s:g} is over and {pending} requests wait for a worker: they are kept, see that one runs"
        )
    if not as_json:
        found = f"{held} found in a buffer" if held else "none found in a buffer: not there, or out of it already"
        click.echo(
            f"{len(ids)} rows to be forgotten, {pending} requests wait for a worker"
            if pending
            else f"forgotten: {found}",
            err=True,
        )
