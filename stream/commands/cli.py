"""The `resampler stream` commands."""

from __future__ import annotations

import json
import logging
import math
import signal
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import redis
from click.core import ParameterSource
from tqdm import tqdm

from resampler.command_options import click_options
from resampler.errors import InvalidInputError, ResamplerError
from resampler.presets import PRESETS
from resampler.process_title import conceal
from resampler.schema import FeatureSchema
from stream.commands.contract import read_contract
from stream.commands.deadletters import read_letters
from stream.commands.deadletters import resubmit as resubmit_letters
from stream.commands.dryrun import dry_run
from stream.commands.export import export_parquet
from stream.commands.pause import keep, late, lines, pause_stream, resume_stream
from stream.commands.reference import read_reference
from stream.commands.status import maintenance_status, stream_status
from stream.commands.statuslines import status_lines
from stream.commands.trim import trim_shards
from stream.redis.connection import PASSWORD_VARIABLE, URL_VARIABLE, redact, resolve_url
from stream.redis.errors import explain
from stream.redis.keys import shard_keys
from stream.settings import Settings
from stream.shard.forget import request_forget, request_member, row_id_of
from stream.shard.pause import check_reason
from stream.shard.position import require_stream
from stream.sharding import open_stream, stored_shards
from stream.worker.http import metrics_server
from stream.worker.start import Start
from stream.worker.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream.redis.keys import ShardKeys


GRACE_S = 0.8  # with what comes before and after it, a second


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


@click.group(cls=StreamGroup)
def stream() -> None:
    """Resample Redis streams, exactly once."""


def _conceal(_ctx: click.Context, _param: click.Parameter, url: str | None) -> str | None:
    if url and redact(url) != url:
        conceal(url, redact(url))
    return url


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that nearly every command has."""
    return _named(
        click.option("--shards", default=1, show_default=True, help="Number of shards of the stream.")(command)
    )


def _named(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every command has."""
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


def _open(url: str | None, name: str, shards: int | None) -> list[tuple[redis.Redis, ShardKeys]]:
    shard_keys(name, shards or 1)  # refuses what is no name before it asks for a URL
    server = resolve_url(url)
    return open_stream(server, name, stored_shards(server, name) if shards is None else shards)


def _status(url: str | None, name: str, opened: list[tuple[redis.Redis, ShardKeys]]) -> dict[str, Any]:
    return stream_status(name, opened) | {"maintenance": maintenance_status(resolve_url(url), name)}


def _print_json(report: dict[str, Any]) -> None:
    click.echo(json.dumps(report))


@stream.command()
@_common
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
        _dry_run(_open(url, name, shards), name, settings, as_json)
        return
    start.ended("contract and settings")
    worker = Worker(resolve_url(url), name, settings, shards=shards, until_idle_s=until_idle, start=start)
    worker.own_process = True
    _stop_on_signals(worker)
    with metrics_server(worker, metrics_host, metrics_port):
        worker.run()
    report = _status(url, name, _open(url, name, shards))
    if as_json:
        _print_json(report)
    else:
        click.echo(
            f"{name}: {report['rows']} rows in, {report['synthetic']} synthetic, {report['rejected']} rejected, "
            f"lag {report['lag']}",
            err=True,
        )
        _warn_of_few(report)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Leave out what neither the command line nor the configuration file has said: a preset may say it."""
    source = click.get_current_context().get_parameter_source
    return {name: value for name, value in options.items() if source(name) is not ParameterSource.DEFAULT}


def _warn_of_few(report: dict[str, Any]) -> None:
    """Say which classes have too few rows for synthetic ones."""
    for shard in report["shards"]:
        what = "two groups" if shard["strategy"] == "hardened" else "--k-neighbors and one more"
        for label, rows in shard["too_few"].items():
            click.echo(
                f"{shard['input']}: class {label} has {rows} rows and no synthetic ones yet: these begin with "
                f"{shard['rows_needed']} rows ({what})",
                err=True,
            )


def _stop_on_signals(worker: Worker) -> None:
    def _stop(*_: object) -> None:
        worker.stop(GRACE_S)
        if not worker.begun:  # there is nothing to end in good order: no need to wait for the compiler
            raise SystemExit(0)

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _stop)


def _dry_run(opened: list[tuple[redis.Redis, ShardKeys]], name: str, settings: Settings, as_json: bool) -> None:
    with tqdm(unit=" entries", disable=None, file=sys.stderr) as bar:
        report = dry_run(opened, settings, progress=bar.update)
    if as_json:
        _print_json({"stream": name, "dry_run": True} | report)
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


@stream.command()
@_common
def status(url: str | None, name: str, shards: int, as_json: bool) -> None:
    """Show each shard and feed, and what is wrong. Lag, rows, ratio, owner, last commit."""
    opened = _open(url, name, shards)
    require_stream(opened)
    report = _status(url, name, opened)
    if as_json:
        _print_json(report)
        return
    for line in status_lines(report):
        click.echo(line)
    _warn_of_few(report)


def _waiting(command: Callable[..., None]) -> Callable[..., None]:
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


@stream.command()
@_named
@_waiting
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
    _say_switch(pause_stream(name, _open(url, name, shards), words, wait_s), as_json, wait_s, ledger)


@stream.command()
@_named
@_waiting
def resume(url: str | None, name: str, shards: int | None, as_json: bool, wait_s: float, ledger: str | None) -> None:
    """Make synthetic rows again; nothing is made up for the pause."""
    _check_wait(wait_s)
    _say_switch(resume_stream(name, _open(url, name, shards), wait_s), as_json, wait_s, ledger)


def _check_wait(wait_s: float) -> None:
    if not 0 <= wait_s < math.inf:
        raise InvalidInputError(f"--wait must be 0 or more and finite, got {wait_s}")


def _say_switch(report: dict[str, Any], as_json: bool, wait_s: float, ledger: str | None) -> None:
    if as_json:
        _print_json(report)
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


@stream.command()
@_common
@click.option("--to", "path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Parquet file.")
def export(url: str | None, name: str, shards: int, as_json: bool, path: Path) -> None:
    """Write an output stream to a Parquet file."""
    if not path.absolute().parent.is_dir():
        raise InvalidInputError(f"--to {str(path)!r}: the directory does not exist, make it first")
    opened = _open(url, name, shards)
    with tqdm(unit=" rows", disable=None, file=sys.stderr) as bar:
        rows, missing = export_parquet(opened, path, progress=bar.update)
    if missing:
        click.echo(f"{missing} rows are not in the file: they were trimmed or deleted from the output before", err=True)
    if as_json:
        _print_json({"stream": name, "path": str(path), "rows": rows, "missing": missing})
    else:
        click.echo(f"{rows} rows written to {path}", err=True)


@stream.command()
@_common
@click.option(
    "--without-feeds", is_flag=True, help="Trim output that no feed has committed a place in too: nobody is to read it."
)
def trim(url: str | None, name: str, shards: int, as_json: bool, without_feeds: bool) -> None:
    """Trim what no feed and no restart needs.

    Output is trimmed behind the slowest feed, input behind the saved state.
    """
    trimmed = trim_shards(_open(url, name, shards), without_feeds=without_feeds)
    if as_json:
        _print_json({"stream": name, "trimmed": [one._asdict() for one in trimmed]})
        return
    for one in trimmed:
        kept = f"kept from {one.kept_from} on, as" if one.kept_from else "all is kept, as"
        click.echo(f"{one.key}: {one.entries} entries trimmed; {kept} {one.because}")


@stream.command("dead-letters")
@_common
@click.option("--resubmit", "ids", multiple=True, metavar="ID", help="Send this one again; `all` for every one.")
@click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True, help="List at most so many.")
def dead_letters(url: str | None, name: str, shards: int, as_json: bool, ids: tuple[str, ...], limit: int) -> None:
    """List what broke the contract, or send it again."""
    opened = _open(url, name, shards)
    if ids:
        chosen = [[x for x in read_letters(*shard) if "all" in ids or x.id in ids] for shard in opened]
        unknown = set(ids) - {"all"} - {letter.id for letters in chosen for letter in letters}
        if unknown:
            raise InvalidInputError(f"no dead letter has ID {min(unknown)!r}: list them without --resubmit")
        sent = sum(resubmit_letters(*shard, letters) for shard, letters in zip(opened, chosen, strict=True))
        if as_json:
            _print_json({"stream": name, "resubmitted": sent})
        else:
            click.echo(f"{sent} dead letters sent again", err=True)
        return
    require_stream(opened)
    total = sum(int(client.xlen(keys.dead)) for client, keys in opened)
    listed = list(islice((letter for shard in opened for letter in read_letters(*shard)), limit))
    if as_json:
        _print_json({"stream": name, "total": total, "dead_letters": [letter.to_dict() for letter in listed]})
        return
    for letter in listed:
        click.echo(f"{letter.id}  {letter.reason}  {letter.detail}")
    click.echo(f"{len(listed)} of {total} dead letters", err=True)


@stream.command()
@_common
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
    asked = _open(url, name, shards)[slice(shard, None if shard is None else shard + 1)]
    pending, held = request_forget(asked, members, wait_s)
    ids = [row_id_of(member) for member in members]
    if len(asked) > 1:
        click.echo(
            f"row ids are not unique across shards: asked of all {len(asked)}, each forgets its own row of that id; "
            "--shard N asks one",
            err=True,
        )
    if as_json:
        _print_json(
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
