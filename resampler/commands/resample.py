"""`resampler resample`: a table in Parquet files, resampled by parts on an engine."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import click

from resampler.command_options import click_options
from resampler.engines.settings import EngineSettings
from resampler.partitioned.settings import ResampleOptions


@click.command()
@click.argument("dataset", nargs=-1, required=True, metavar="PATH...")
@click.option("--label", required=True, metavar="COLUMN", help="The classes.")
@click.option("--out", required=True, metavar="DIRECTORY", help="Gets the rows; not there before, or empty.")
@click_options(ResampleOptions)
@click_options(EngineSettings)
@click.option(
    "--resume/--no-resume", default=True, help="Go on behind what an earlier run to --out had finished, or begin anew."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def resample(dataset: tuple[str, ...], label: str, out: str, *, resume: bool, as_json: bool, **options: Any) -> None:
    """Over-sample a table in Parquet that may exceed memory; the rows are the same on every engine.

    PATH is a file, a directory of files, or a URI. A run that was killed goes on when the same command is given again.
    """
    asked = ResampleOptions(**{one.name: options[one.name] for one in fields(ResampleOptions)})
    settings = EngineSettings(**{one.name: options[one.name] for one in fields(EngineSettings)})
    from resampler.partitioned.printing import in_words
    from resampler.partitioned.run import resample as run

    done = run(
        dataset[0] if len(dataset) == 1 else list(dataset),
        asked.estimator(),
        label=label,
        out=out,
        engine=settings,
        resume=resume,
        **asked.arguments(),
    )
    click.echo(json.dumps({"path": str(done.path), **done.said}) if as_json else "\n".join(in_words(done)))
