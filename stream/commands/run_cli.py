"""`resampler stream run`: a worker, or what one would do."""

from __future__ import annotations

import logging
import math
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from tqdm import tqdm

from resampler.command_options import click_options
from resampler.errors import InvalidInputError
from resampler.presets import PRESETS
from resampler.schema import FeatureSchema
from stream.commands.command_line import common, open_shards, print_json, report_of, warn_of_few
from stream.commands.contract import read_contract
from stream.commands.dryrun import dry_run
from stream.commands.reference import read_reference
from stream.redis.connection import resolve_url
from stream.settings import Settings
from stream.worker.http import metrics_server
from stream.worker.start import Start
from stream.worker.worker import Worker

if TYPE_CHECKING:
    import redis

    from stream.redis.keys import ShardKeys


GRACE_S = 0.8  # with what comes before and after it, a second


@click.command()
@common
@click.option("--features", help="Names of the float32 feature columns, separated by commas.")
@click.option("--label", default=None, help="Name of the class column.")
@click.option(
    "--contract", type=click.Path(path_type=Path, dir_okay=False), help="Contract file: columns, types and the label."
)
@click.option(
    "--feature-service", help="Feast feature service whose features the stream holds, in place of --features."
)
@click.option("--repo", help="Directory of the feature_store.yaml of the service, or of --reference.")
@click.option(
    "--for",
    "use",
    type=click.Choice(tuple(PRESETS)),
    help="Take the parameters that serve this use, but for those that are given: online-learning, a learner that "
    "learns row by row; collecting, rows that are kept and trained on later, as the defaults do.",
)
@click_options(Settings)
@click.option(
    "--reference",
    metavar="DIRECTORY|NAME[:VERSION|ALIAS]",
    help="Count the input in the cells of this version: its directory, or its name and where it is kept.",
)
@click.option("--catalog", metavar="DIRECTORY", help="Plain catalogue of --reference: a directory or a URI.")
@click.option("--root", metavar="DIRECTORY", help="Where the versions of --reference are kept, if not there.")
@click.option("--dry-run", "dry", is_flag=True, help="Say what would become of the input there is; write nothing.")
@click.option("--until-idle", type=float, help="End when nothing has come for so many seconds.")
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Serve /metrics and /healthz on this port; 0 for none.  [default: 9464, where it is free]",
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True)
@click.option("--verbose", "-v", is_flag=True, help="Log what the worker does.")
def run(
    url: str | None,
    name: str,
    shards: int,
    as_json: bool,
    features: str | None,
    label: str | None,
    contract: Path | None,
    feature_service: str | None,
    repo: str | None,
    reference: str | None,
    catalog: str | None,
    root: str | None,
    dry: bool,
    until_idle: float | None,
    metrics_port: int | None,
    metrics_host: str,
    verbose: bool,
    use: str | None,
    **options: Any,
) -> None:
    """Read labelled rows, resample them, write micro-batches."""
    start = Start.of_process()
    start.ended("imports")
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    if until_idle is not None and not 0 < until_idle < math.inf:
        raise InvalidInputError(f"--until-idle must be positive and finite, got {until_idle}")
    # Beside a catalogue, --repo is that of the feature service alone.
    place = {"repo": None if catalog and feature_service else repo, "catalog": catalog, "root": root}
    if reference is None and (catalog or root):
        raise InvalidInputError("--catalog and --root say where a version is kept: name it, --reference NAME")
    schema = _schema(features, label, contract, feature_service, repo, service_only=reference is None)
    counted = None if reference is None else read_reference(reference, schema, **place)
    for line in counted.left_out if counted else ():
        click.echo(f"not counted: {line}", err=True)
    settings = Settings.for_use(use, schema, reference=counted, **_given(options) if use else options)
    if words := settings.preset_in_words:
        click.echo(words, err=True)
    if dry:
        _dry_run(open_shards(url, name, shards), name, settings, as_json)
        return
    start.ended("contract and settings")
    worker = Worker(resolve_url(url), name, settings, shards=shards, until_idle_s=until_idle, start=start)
    worker.own_process = True
    _stop_on_signals(worker)
    with metrics_server(worker, metrics_host, metrics_port):
        worker.run()
    report = report_of(url, name, open_shards(url, name, shards))
    if as_json:
        print_json(report)
    else:
        click.echo(
            f"{name}: {report['rows']} rows in, {report['synthetic']} synthetic, {report['rejected']} rejected, "
            f"lag {report['lag']}",
            err=True,
        )
        warn_of_few(report)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Leave out what neither the command line nor the configuration file has said: a preset may say it."""
    source = click.get_current_context().get_parameter_source
    return {name: value for name, value in options.items() if source(name) is not ParameterSource.DEFAULT}


def _stop_on_signals(worker: Worker) -> None:
    def _stop(*_: object) -> None:
        worker.stop(GRACE_S)
        if not worker.begun:  # there is nothing to end in good order: no need to wait for a server
            with suppress(OSError, RuntimeError):  # nobody reads it, or the signal came while something was written
                click.echo("asked to stop before a shard was taken", err=True)
            raise SystemExit(0)

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _stop)


def _dry_run(opened: list[tuple[redis.Redis, ShardKeys]], name: str, settings: Settings, as_json: bool) -> None:
    with tqdm(unit=" entries", disable=None, file=sys.stderr) as bar:
        report = dry_run(opened, settings, progress=bar.update)
    if as_json:
        print_json({"stream": name, "dry_run": True} | report)
        return
    click.echo(f"{name}: {report['rows']} rows in, {report['synthetic']} synthetic, {report['rejected']} rejected")
    for reason, found in report["reasons"].items():
        click.echo(f"  {found['rows']} x {reason}, such as {found['example']}")
    for key, why in report["idle"].items():
        click.echo(f"  {key}: no synthetic row: {'; '.join(one['words'] for one in why)}")


def _schema(
    features: str | None,
    label: str | None,
    contract: Path | None,
    feature_service: str | None,
    repo: str | None,
    *,
    service_only: bool,
) -> FeatureSchema:
    if sum(map(bool, (features, contract, feature_service))) != 1 or bool(label) == bool(contract):
        raise InvalidInputError(
            "the columns must be given once: --features a,b,c --label y, or --feature-service NAME --repo DIR "
            "--label y, or --contract FILE, which names the label too"
        )
    if (feature_service and not repo) or (repo and service_only and not feature_service):
        raise InvalidInputError("--feature-service and --repo go together: name the service and its repository")
    if contract is not None:
        return FeatureSchema.from_file(contract)
    if feature_service and repo and label:
        return read_contract("feast", repo, feature_service, label)
    names = [name.strip() for name in (features or "").split(",")]
    if not all(names):
        raise InvalidInputError(f"--features must name a column between any two commas, got {features!r}: a,b,c")
    return FeatureSchema.numeric(names, label=label or "")
