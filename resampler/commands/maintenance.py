"""`resampler maintenance`: windows in which alerts of a dataset are silent."""

from __future__ import annotations

import functools
import json
import time
from typing import TYPE_CHECKING, Any

import click

from resampler.commands.version_option import with_place
from resampler.commands.who import by_option, who
from resampler.errors import InvalidInputError
from resampler.monitoring.window import Window, declare, seconds_of
from resampler.monitoring.windows import Windows, of_ledger, of_snapshot, of_stream

if TYPE_CHECKING:
    from collections.abc import Callable


def _with_windows(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `windows`: of the snapshot, the ledger or the stream that options name."""

    @functools.wraps(command)
    def _called(
        *args: Any,
        place: dict[str, str | None],
        snapshot: str | None,
        ledger: str | None,
        stream: str | None,
        url: str | None,
        **options: Any,
    ) -> Any:
        given = [one for one in (snapshot, ledger, stream) if one is not None]
        if len(given) != 1:
            raise InvalidInputError("give one of --snapshot, --ledger and --stream: whose alerts are to be silent")
        if url is not None and stream is None:
            raise InvalidInputError("--url is where a stream is: name it, --stream NAME")
        if any(place.values()) and snapshot is None:
            raise InvalidInputError("--catalog, --repo and --root say where a snapshot is: name it, --snapshot NAME")
        if snapshot is not None:
            windows = of_snapshot(snapshot, place)
        elif ledger is not None:
            windows = of_ledger(ledger)
        else:
            windows = of_stream(str(stream), url)
        return command(*args, windows=windows, **options)

    decorated: Callable[..., Any] = with_place(_called)
    for flag, words in (
        ("--url", "Redis server of the stream; by default RESAMPLER_REDIS_URL."),
        ("--stream", "A stream."),
        ("--ledger", "A ledger that is none of a snapshot's: [NAME=]DIRECTORY, as `resampler metrics` takes it."),
        ("--snapshot", "A snapshot, in whose ledger the window is kept."),
    ):
        decorated = click.option(flag, help=words)(decorated)
    return decorated


_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


@click.group()
def maintenance() -> None:
    """Keep alerts of a dataset silent for a declared time, such as while labels are replaced."""


@maintenance.command("on")
@click.option("--for", "lasts", required=True, metavar="TIME", help="How long: 90m, 2h; from 60s to 168h.")
@click.option("--reason", default="", help="Why, for whoever looks.")
@by_option
@_with_windows
@_json
def switch_on(windows: Windows, lasts: str, reason: str, by: str | None, as_json: bool) -> None:
    """Declare a window that begins now. It stands in place of one that is open, and ends by itself."""
    window = declare(windows.dataset, seconds_of(lasts), by or who(), reason)
    windows.declare(window)
    _print(window, as_json, f"{window.dataset}: maintenance until {window.until}")


@maintenance.command("off")
@by_option
@_with_windows
@_json
def switch_off(windows: Windows, by: str | None, as_json: bool) -> None:
    """End the window that is open."""
    ended = windows.end(by or who(), time.time())
    said = "no maintenance was declared" if ended is None else f"maintenance ended, {_in_words(ended)}"
    _print(ended, as_json, f"{windows.dataset}: {said}")


@maintenance.command("show")
@_with_windows
@_json
def show(windows: Windows, as_json: bool) -> None:
    """Say whether a window is open, and who declared it."""
    window = windows.current(time.time())
    said = "no maintenance" if window is None else f"maintenance {_in_words(window)}"
    _print(window, as_json, f"{windows.dataset}: {said}")


def _in_words(window: Window) -> str:
    why = f": {window.reason}" if window.reason else ""
    return f"from {window.since} until {window.until}, by {window.who}{why}"


def _print(window: Window | None, as_json: bool, words: str) -> None:
    click.echo(json.dumps({"window": None if window is None else window._asdict()}) if as_json else words)
