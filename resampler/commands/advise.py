"""`resampler advise`: is it worth it to resample, measured on the user's own rows."""

from __future__ import annotations

import dataclasses
import json
import os
import time as clock
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from resampler.command_options import click_options
from resampler.commands.budget_option import Spending, with_budget
from resampler.commands.version_option import with_version
from resampler.errors import InvalidInputError
from resampler.options import options_of
from resampler.quality.comparison.request import Request
from resampler.quality.comparison.rows import Roles, Rows, class_named
from resampler.runs.advice import keep, rows_of
from resampler.runs.usual_store import usual_store
from resampler.table_file import TableFile

if TYPE_CHECKING:
    from resampler.budget import Meter
    from resampler.quality.comparison.comparison import Comparison
    from resampler.training_set import TrainingSet

LEAST_S = 1.0  # measurements are begun for that long, whatever the budget, so that runs of any come to an end
LEARNING_COPIES = 4.0  # of the rows, by each learner at work: resampled, its folds, its own form of them
_OF_FILES = ("label", "features", "categorical")  # a version knows them


def _names(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return () if value is None else tuple(name.strip() for name in value.split(",") if name.strip())


@click.command()
@click.argument("file", required=False, metavar="[FILE]")
@with_version()
@click.option("--label", help="With a file (required): column of the class.")
@click.option("--positive", help="The class that is to be found; by default the rarest.")
@click.option("--features", callback=_names, help="With a file: columns, separated by commas; by default all others.")
@click.option("--drop", callback=_names, help="Columns that are no features, separated by commas.")
@click.option("--categorical", callback=_names, help="With a file: integer columns that are codes, likewise.")
@click.option("--group", help="Column, such as a customer, whose rows never stand on both sides of a fold.")
@click.option("--time", help="Column of the time: what is tested comes later than what was learned from.")
@click_options(Request)
@with_budget
@click.option(
    "--resume",
    metavar="DIRECTORY",
    help="Where what is measured is kept, so that a run that was cut goes on; by default in the user's cache.",
)
@click.option("--picture", metavar="FILE", help="Draw the differences, as .svg or .png.")
@click.option("--intervals", is_flag=True, help="Print every measure with its interval.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def advise(
    file: str | None,
    version: TrainingSet | None,
    resume: str | None,
    picture: str | None,
    positive: str | None,
    spending: Spending,
    *,
    intervals: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Say whether a remedy for the rare class is worth it.

    On the rows of FILE (.parquet, .csv, .arrow) or on the real training rows of a --snapshot: nothing, a moved
    threshold, class weights, under- and over-sampling and synthetic rows, under each learner, on real rows that no
    model has seen. Exits 0 whatever the advice, 4 where --max-seconds ended it: the same command again goes on. What it
    says of a snapshot is kept with the version.
    """
    began = clock.perf_counter()
    request = Request(**{one.name: options.pop(one.name) for one in options_of(Request)})
    if picture is not None:
        from resampler.quality.comparison.picture import check_picture

        check_picture(picture)
    rows, notes = _rows(file, version, options, spending.meter)
    threads = request.threads or len(os.sched_getaffinity(0))
    n_rows = min(len(rows.y), request.max_rows)
    spending.meter.check_table("comparing", n_rows, rows.X.shape[1], copies=LEARNING_COPIES * threads)
    from resampler.quality.comparison.compare import compare

    with tqdm(unit="cell", disable=None, leave=False) as bar, warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")

        def _progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        store = resume if resume is not None else usual_store()
        left_s = spending.meter.left_s
        found = compare(
            rows.X,
            rows.y,
            categorical=rows.categorical,
            names=rows.names,
            groups=rows.groups,
            times=rows.times,
            positive=None if positive is None else class_named(rows.y, positive),
            store=store,
            progress=_progress,
            budget_s=None if left_s is None else max(left_s, LEAST_S),
            **request.keywords,
        )
    for one in heard:
        click.echo(f"Note: {one.message}", err=True)
    if len(found.parts) < found.asked.folds * found.asked.seeds and not spending.exits:
        click.echo("Note: run it again, and it goes on where time was up", err=True)
    spent = spending.details(late=found.is_late, store=store)
    found = dataclasses.replace(found, notes=(*notes, *rows.notes, *found.notes))
    if version is not None:
        keep(version, found, clock.perf_counter() - began, spent)
    _say(found, spending.in_json(spent), picture, intervals=intervals, as_json=as_json)
    return spending.say(spent)


def _rows(
    file: str | None, version: TrainingSet | None, options: dict[str, Any], meter: Meter
) -> tuple[Rows, tuple[str, ...]]:
    if (file is None) == (version is None):
        raise InvalidInputError("advise needs rows: a FILE with --label, or a --snapshot, and not both")
    if version is not None:
        for name in _OF_FILES:
            if options[name]:
                raise InvalidInputError(f"--{name} is for files: the columns of {version} are what its contract says")
        n_rows = sum(kinds["real"] + kinds["synthetic"] for kinds in version.classes["train"].values())
        meter.check_table("reading", n_rows, len(version.features))
        return rows_of(version, drop=options["drop"], group=options["group"], time=options["time"])
    if options["label"] is None:
        raise InvalidInputError("--label names the column of the class, and is needed with a file")
    roles = Roles(**options)
    table = TableFile.open(file, "FILE")
    roles.check(table.schema.names)
    features = roles.features or [name for name in table.schema.names if name not in roles.drop]
    meter.check_table("reading", table.n_rows, len(features))
    wanted = dict.fromkeys(name for name in (*features, roles.label, roles.group, roles.time) if name is not None)
    return Rows.of(table.read(list(wanted)), dataclasses.replace(roles, drop=())), ()


def _say(found: Comparison, spent: dict[str, Any], picture: str | None, *, intervals: bool, as_json: bool) -> None:
    from resampler.quality.comparison.picture import draw
    from resampler.quality.comparison.printing import printed

    if picture is not None:
        file = Path(picture)
        file.write_bytes(draw(found, file.suffix))
    if as_json:
        click.echo(json.dumps(found.to_dict() | spent))
        return
    for line in printed(found, intervals=intervals):
        click.echo(line)
