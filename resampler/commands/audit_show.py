"""`resampler audit show`: synthetic rows beside the rows that they were made of, as they were kept for auditors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from resampler.commands.version_option import with_version
from resampler.errors import DataError, InvalidInputError

if TYPE_CHECKING:
    from resampler.training_set import TrainingSet


@click.command()
@with_version(required=True)
@click.option("--lines", "as_lines", is_flag=True, help="Print JSON lines, a row each, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def show(version: TrainingSet, *, as_lines: bool, as_json: bool) -> None:
    """Show the audit sample of a version.

    Each synthetic row stands beside its base and its neighbour, with the step between them, and its distances to both
    and to the nearest real row of its class. It is as sensitive as these rows.
    """
    from resampler.runs.sample import in_words

    if as_lines and as_json:
        raise InvalidInputError("give --lines or --json, not both: a row a line, or one object")
    if version.sample is None:
        raise DataError(
            f"{version} has no audit sample: create it with --audit-sample N, and --audit-redact for columns that no "
            "auditor is to see; hardened versions have none"
        )
    rows = version.sample.rows()
    if as_json:
        said = {"name": version.name, "version": version.version, "redacted": version.sample.redacted, "rows": rows}
        click.echo(json.dumps(said, allow_nan=False))
        return
    for line in (
        (json.dumps(row) for row in rows) if as_lines else in_words(rows, str(version), version.sample.redacted)
    ):
        click.echo(line)
