"""What the `resampler stream` commands have in common: options, the shards they open, what they print."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import redis

from resampler.process_title import conceal
from stream.commands.status import maintenance_status, stream_status
from stream.redis.connection import PASSWORD_VARIABLE, URL_VARIABLE, redact, resolve_url
from stream.redis.errors import explain
from stream.redis.keys import shard_keys
from stream.sharding import open_stream, stored_shards

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream.redis.keys import ShardKeys


class StreamGroup(click.Group):
    """Commands that talk to Redis: whatever it answers is reported in words."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command.

        Parameters
        ----------
        ctx : click.Context
            Passed on.

        Returns
        -------
        object
            What the command returns.

        Raises
        ------
        ResamplerError
            In place of an error of redis-py.
        """
        try:
            return super().invoke(ctx)
        except redis.RedisError as error:
            raise explain(error) from error


def _conceal(_ctx: click.Context, _param: click.Parameter, url: str | None) -> str | None:
    if url and redact(url) != url:
        conceal(url, redact(url))
    return url


def common(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that nearly every command has: those of `named`, and the number of shards.

    Parameters
    ----------
    command : callable
        A function of `url`, `name`, `shards` and `as_json`, and of what else it asks for.

    Returns
    -------
    callable
        The same.
    """
    return named(
        click.option("--shards", default=1, show_default=True, help="Number of shards of the stream.")(command)
    )


def named(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every command has.

    Parameters
    ----------
    command : callable
        A function of `url`, `name` and `as_json`, and of what else it asks for.

    Returns
    -------
    callable
        The same.
    """
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option("--stream", "name", required=True, help="Name of the stream."),
        click.option(
            "--url",
            callback=_conceal,
            help=f"Redis server; a password is better kept in {URL_VARIABLE} or {PASSWORD_VARIABLE}.",
        ),
    ):
        command = option(command)
    return command


def open_shards(url: str | None, name: str, shards: int | None) -> list[tuple[redis.Redis, ShardKeys]]:
    """Connect to the shards of a stream.

    Parameters
    ----------
    url : str or None
        Of the server; by default from the environment.
    name : str
        Of the stream.
    shards : int or None
        How many it has; by default as its first worker had it.

    Returns
    -------
    list of (redis.Redis, ShardKeys)
        A client and the keys of each.

    Raises
    ------
    InvalidInputError
        If `name` is no name of a stream, or nothing says which server.
    """
    shard_keys(name, shards or 1)  # refuses what is no name before it asks for a URL
    server = resolve_url(url)
    return open_stream(server, name, stored_shards(server, name) if shards is None else shards)


def report_of(url: str | None, name: str, opened: list[tuple[redis.Redis, ShardKeys]]) -> dict[str, Any]:
    """Say how a stream is, and what maintenance has done for it.

    Parameters
    ----------
    url, name
        As of `open_shards`.
    opened : list of (redis.Redis, ShardKeys)
        Its shards.

    Returns
    -------
    dict
        As ``resampler stream status --json`` prints it.
    """
    return stream_status(name, opened) | {"maintenance": maintenance_status(resolve_url(url), name)}


def print_json(report: dict[str, Any]) -> None:
    """Print a report on one line.

    Parameters
    ----------
    report : dict
        Of JSON's types.
    """
    click.echo(json.dumps(report))


def warn_of_few(report: dict[str, Any]) -> None:
    """Say which classes have too few rows for synthetic ones.

    Parameters
    ----------
    report : dict
        Of `report_of`.
    """
    for shard in report["shards"]:
        what = "two groups" if shard["strategy"] == "hardened" else "--k-neighbors and one more"
        for label, rows in shard["too_few"].items():
            click.echo(
                f"{shard['input']}: class {label} has {rows} rows and no synthetic ones yet: these begin with "
                f"{shard['rows_needed']} rows ({what})",
                err=True,
            )
