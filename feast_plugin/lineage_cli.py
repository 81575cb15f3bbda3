"""`resampler lineage`: what waits to be told of a place's snapshots, and sending it now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from feast_plugin.command_line import Place, json_option, print_lines, with_place
from resampler.address import without_secrets
from resampler.errors import InvalidInputError, ResamplerError
from resampler.lineage.outbox import FOLDER, Outbox
from resampler.storage import Location, check_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_WAIT_S = 60.0  # for a sender that a publication has left at work


@click.group()
def lineage() -> None:
    """Tell OpenLineage and MLflow of versions: what waits in outboxes."""


@lineage.command()
@with_place
@click.option("--name", help="Only this snapshot.")
@json_option
def show(place: Place, name: str | None, *, as_json: bool) -> None:
    """Say how many events wait beside each snapshot, and since when."""
    found = [(home, Outbox(home).waiting) for home in _homes(place, name)]
    if as_json:
        said = [
            {"name": _name(home), "events": one.events, "oldest": one.oldest, "refused": one.refused}
            for home, one in found
        ]
        click.echo(json.dumps({"snapshots": said}))
        return
    if not found:
        click.echo(_nothing(place))
    for home, one in found:
        since = f", the oldest since {one.age}" if one.events else ""
        refused = (
            f"; {one.refused} were refused for good, and lie in {home.uri}/{FOLDER}/refused" if one.refused else ""
        )
        click.echo(f"{_name(home)}: {one.events or 'no'} event{'' if one.events == 1 else 's'} waiting{since}{refused}")


@lineage.command()
@with_place
@click.option("--name", help="Only this snapshot.")
@json_option
def send(place: Place, name: str | None, *, as_json: bool) -> None:
    """Send what waits, the oldest first; exit 1 where something still waits.

    An event may arrive twice, under the same id, and is lost never.
    """
    from resampler.lineage.sender import send as deliver

    problems: list[str] = []
    said: list[dict[str, Any]] = []
    with place.opened() as registry:
        settings = registry.lineage
        if not settings.addressed:
            raise InvalidInputError(
                "nobody is to be told: set OPENLINEAGE_URL or MLFLOW_TRACKING_URI, write openlineage.yml, or enable "
                "openlineage or mlflow in feature_store.yaml"
            )
        for home in _homes(place, name):
            try:
                done = deliver(home, settings, wait_s=_WAIT_S)
            except TimeoutError as error:
                raise ResamplerError(f"another process is sending what {_name(home)} has, and does not end") from error
            problems += [f"{_name(home)}: {to}: {problem}" for to, problem in done.problems.items()]
            said.append({"name": _name(home), "sent": done.sent, "waiting": Outbox(home).waiting.events})
            said[-1] |= {"refused": len(done.refused), "problems": done.problems}
    if as_json:
        click.echo(json.dumps({"snapshots": said}))
    else:
        lines = [f"{one['name']}: {one['sent']} sent, {one['waiting']} waiting" for one in said]
        print_lines(lines or [_nothing(place)])
    if problems:
        raise ResamplerError(f"not all was sent: {'; '.join(problems)}: it waits, and is sent with the next version")


def _nothing(place: Place) -> str:
    return f"no snapshot in {without_secrets(str(place.root))} has ever had an event to send"


def _homes(place: Place, name: str | None) -> Iterator[Location]:
    root = Location.parse(place.root)
    for one in [check_name(name)] if name else root.directories():
        home = root / one
        if name or (home / FOLDER).exists():
            yield home


def _name(home: Location) -> str:
    return home.uri.rpartition("/")[2]
