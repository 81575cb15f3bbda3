"""The `resampler stream` commands."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import click
from tqdm import tqdm

from resampler.errors import InvalidInputError
from stream.commands.command_line import StreamGroup, common, open_shards, print_json, report_of, warn_of_few
from stream.commands.deadletters import read_letters
from stream.commands.deadletters import resubmit as resubmit_letters
from stream.commands.export import export_parquet
from stream.commands.request_cli import forget, pause, resume
from stream.commands.run_cli import run
from stream.commands.statuslines import status_lines
from stream.commands.trim import trim_shards
from stream.shard.position import require_stream


@click.group(cls=StreamGroup)
def stream() -> None:
    """Resample Redis streams, exactly once."""


for command in (run, pause, resume, forget):
    stream.add_command(command)


@stream.command()
@common
def status(url: str | None, name: str, shards: int, as_json: bool) -> None:
    """Show each shard and feed, and what is wrong. Lag, rows, ratio, owner, last commit."""
    opened = open_shards(url, name, shards)
    require_stream(opened)
    report = report_of(url, name, opened)
    if as_json:
        print_json(report)
        return
    for line in status_lines(report):
        click.echo(line)
    warn_of_few(report)


@stream.command()
@common
@click.option("--to", "path", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Parquet file.")
def export(url: str | None, name: str, shards: int, as_json: bool, path: Path) -> None:
    """Write an output stream to a Parquet file."""
    if not path.absolute().parent.is_dir():
        raise InvalidInputError(f"--to {str(path)!r}: the directory does not exist, make it first")
    opened = open_shards(url, name, shards)
    with tqdm(unit=" rows", disable=None, file=sys.stderr) as bar:
        rows, missing = export_parquet(opened, path, progress=bar.update)
    if missing:
        click.echo(f"{missing} rows are not in the file: they were trimmed or deleted from the output before", err=True)
    if as_json:
        print_json({"stream": name, "path": str(path), "rows": rows, "missing": missing})
    else:
        click.echo(f"{rows} rows written to {path}", err=True)


@stream.command()
@common
@click.option(
    "--without-feeds", is_flag=True, help="Trim output that no feed has committed a place in too: nobody is to read it."
)
def trim(url: str | None, name: str, shards: int, as_json: bool, without_feeds: bool) -> None:
    """Trim what no feed and no restart needs.

    Output is trimmed behind the slowest feed, input behind the saved state.
    """
    trimmed = trim_shards(open_shards(url, name, shards), without_feeds=without_feeds)
    if as_json:
        print_json({"stream": name, "trimmed": [one._asdict() for one in trimmed]})
        return
    for one in trimmed:
        kept = f"kept from {one.kept_from} on, as" if one.kept_from else "all is kept, as"
        click.echo(f"{one.key}: {one.entries} entries trimmed; {kept} {one.because}")


@stream.command("dead-letters")
@common
@click.option("--resubmit", "ids", multiple=True, metavar="ID", help="Send this one again; `all` for every one.")
@click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True, help="List at most so many.")
def dead_letters(url: str | None, name: str, shards: int, as_json: bool, ids: tuple[str, ...], limit: int) -> None:
    """List what broke the contract, or send it again."""
    opened = open_shards(url, name, shards)
    if ids:
        chosen = [[x for x in read_letters(*shard) if "all" in ids or x.id in ids] for shard in opened]
        unknown = set(ids) - {"all"} - {letter.id for letters in chosen for letter in letters}
        if unknown:
            raise InvalidInputError(f"no dead letter has ID {min(unknown)!r}: list them without --resubmit")
        sent = sum(resubmit_letters(*shard, letters) for shard, letters in zip(opened, chosen, strict=True))
        if as_json:
            print_json({"stream": name, "resubmitted": sent})
        else:
            click.echo(f"{sent} dead letters sent again", err=True)
        return
    require_stream(opened)
    total = sum(int(client.xlen(keys.dead)) for client, keys in opened)
    listed = list(islice((letter for shard in opened for letter in read_letters(*shard)), limit))
    if as_json:
        print_json({"stream": name, "total": total, "dead_letters": [letter.to_dict() for letter in listed]})
        return
    for letter in listed:
        click.echo(f"{letter.id}  {letter.reason}  {letter.detail}")
    click.echo(f"{len(listed)} of {total} dead letters", err=True)
