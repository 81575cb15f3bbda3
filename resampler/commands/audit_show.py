"""`resampler audit show`: synthetic rows beside the rows that they were made of, as they were kept for auditors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from resampler.commands.version_option import with_version
from resampler.errors import DataError, InvalidInputError

if TYPE_CHECKING:
    from resampler.training_set import TrainingSet


@click.command()
@with_version()
@click.option("--stream", metavar="NAME", help="The output of a stream: chosen now from the rows that it still holds.")
@click.option("--redis", "url", metavar="URL", help="Redis of --stream; by default RESAMPLER_REDIS_URL.")
@click.option("--n", type=click.IntRange(1, 10_000), help="With --stream: how many synthetic rows; by default 20.")
@click.option("--redact", multiple=True, metavar="COLUMNS", help="With --stream: columns to leave out, as a,b.")
@click.option("--secret-key", metavar="ENV|FILE", help="With --stream: the key that its workers have.")
@click.option("--lines", "as_lines", is_flag=True, help="Print JSON lines, a row each, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def show(
    version: TrainingSet | None,
    stream: str | None,
    url: str | None,
    n: int | None,
    redact: tuple[str, ...],
    secret_key: str | None,
    as_lines: bool,
    as_json: bool,
) -> None:
    """Show synthetic rows beside their parents.

    Each stands beside its base and its neighbour, with the step between them, and its distances to both and to the
    nearest real row of its class. This is as sensitive as these rows. Of a version it is the audit sample that was kept
    with it; of a stream it is chosen now, by a keyed hash.
    """
    from resampler.runs.sample import in_words, sample_of

    if as_lines and as_json:
        raise InvalidInputError("give --lines or --json, not both: a row a line, or one object")
    if (version is None) == (stream is None):
        raise InvalidInputError("give --snapshot or --stream: whose synthetic rows are shown")
    if version is not None:
        for option, value in (("--redis", url), ("--n", n), ("--redact", redact), ("--secret-key", secret_key)):
            if value:
                raise InvalidInputError(f"{option} goes with --stream: the sample of a version was chosen with it")
        if version.sample is None:
            raise DataError(
                f"{version} has no audit sample: create it with --audit-sample N, and --audit-redact for columns that "
                "no auditor is to see; hardened versions have none"
            )
        rows, out = version.sample.rows(), version.sample.redacted
        said: dict[str, Any] = {"name": version.name, "version": version.version}
        subject = str(version)
    else:
        out = tuple(name.strip() for part in redact for name in part.split(",") if name.strip())
        rows = sample_of("stream")(str(stream), n=n or 20, url=url, redacted=out, secret_key=secret_key)
        said, subject = {"stream": stream}, f"stream {stream}"
    if as_json:
        click.echo(json.dumps(said | {"redacted": list(out), "rows": rows}, allow_nan=False))
        return
    for line in (json.dumps(row) for row in rows) if as_lines else in_words(rows, subject, out):
        click.echo(line)
