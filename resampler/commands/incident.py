"""`resampler incident`: what is needed to look into one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from resampler.address import without_secrets
from resampler.commands.version_option import with_place
from resampler.process_title import conceal


def _conceal(_ctx: click.Context, _param: click.Parameter, given: Any) -> Any:
    """Leave no password of a URL to those who look at processes."""
    for url in given if isinstance(given, tuple) else (given or "",):
        if without_secrets(url) != url:
            conceal(url, without_secrets(url))
    return given


@click.group()
def incident() -> None:
    """Look into an incident."""


@incident.command("collect")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.zip",
    help="The archive, which only its owner may read.",
)
@click.option("--stream", metavar="NAME", help="A stream.")
@click.option(
    "--url", callback=_conceal, help="Its server; by default RESAMPLER_REDIS_URL, where a password is kept better."
)
@click.option("--snapshot", metavar="NAME", help="A snapshot: its newest versions, its runs.")
@with_place
@click.option("--ledger", metavar="DIRECTORY", help="Runs that are kept elsewhere.")
@click.option(
    "--metrics",
    multiple=True,
    callback=_conceal,
    metavar="URL",
    help="/metrics of a worker or an exporter; may be repeated.",
)
@click.option(
    "--prometheus", callback=_conceal, metavar="URL", help="The Prometheus whose alerts and targets are read."
)
@click.option("--policy", metavar="FILE", help="The policy of gates.")
@click.option(
    "--with-config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Configuration file to be looked at; by default ./resampler.toml, where it is there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def collect(
    out: Path,
    stream: str | None,
    url: str | None,
    snapshot: str | None,
    place: dict[str, str | None],
    ledger: str | None,
    metrics: tuple[str, ...],
    prometheus: str | None,
    policy: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Put what is known into one file, without secrets and without rows.

    What cannot be collected is said inside, and the rest is there.
    """
    from resampler.incident.bundle import collect as collect_all
    from resampler.incident.collector import Asked

    asked = Asked(stream, url, snapshot, place, ledger, metrics, prometheus, config, policy)
    found = collect_all(asked, out)
    if as_json:
        click.echo(json.dumps({"path": str(out), **found._asdict()}))
        return
    click.echo(f"{len(found.files)} files in {out}", err=True)
    if not (stream or snapshot or ledger or metrics or prometheus):
        click.echo(
            "Note: nothing is named, so that they are about this machine alone: give --stream, --snapshot, --ledger, "
            "--metrics, --prometheus",
            err=True,
        )
    for name, words in found.errors.items():
        click.echo(f"not collected: {name}: {words}", err=True)
