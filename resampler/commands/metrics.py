"""`resampler metrics`: ledgers and catalogues as Prometheus reads them."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from resampler.commands.version_option import with_place
from resampler.errors import InvalidInputError, MissingExtraError


@click.command()
@click.option(
    "--ledger",
    "ledgers",
    multiple=True,
    metavar="[NAME=]DIRECTORY",
    help="Runs to export; may be repeated. By default called after its directory, a snapshot's after the snapshot.",
)
@click.option(
    "--snapshot",
    "snapshots",
    multiple=True,
    metavar="NAME",
    help="A snapshot of the catalogue; may be repeated. By default all of them.",
)
@with_place
@click.option("--port", type=click.IntRange(0, 65_535), help="Serve them, until the process is ended; 0: a free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--textfile",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.prom",
    help="Write them once, for node_exporter's textfile collector.",
)
def metrics(
    ledgers: tuple[str, ...],
    snapshots: tuple[str, ...],
    place: dict[str, str | None],
    port: int | None,
    host: str,
    textfile: Path | None,
) -> None:
    """Export what batch runs came to, and what the newest versions are.

    Serves with --port, writes a file with --textfile, and else prints. A file that is damaged is named on standard
    error and in the metrics, and everything else is exported.
    """
    if port is not None and textfile is not None:
        raise InvalidInputError("give --port or --textfile: metrics are served, or written once")
    if snapshots and not any(place.values()):
        raise InvalidInputError("--snapshot needs --catalog, --repo or --root: where it is kept")
    try:
        from resampler.monitoring import exposition
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"metrics need {error.name}: pip install 'feast-resampler[metrics]'") from error
    from resampler.monitoring.exporter import Exporter

    exporter = Exporter(ledgers, place, snapshots, lambda line: click.echo(f"Note: {line}", err=True))
    if textfile is not None:
        exposition.write(exporter, textfile)
        return
    content = exposition.as_text(exporter)
    if port is None:
        click.echo(content.decode(), nl=False)
        return
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    server, port = exposition.serve(exporter, host, port)
    click.echo(f"Serving http://{host}:{port}/metrics", err=True)
    ended.wait()
    server.shutdown()
    server.server_close()
