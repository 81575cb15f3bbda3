"""`resampler drift`: rows of today against a version; exit 0 the model stands, 3 train again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from resampler.commands.version_option import with_version
from resampler.errors import GateError, InvalidInputError, ResamplerError
from resampler.ledger import FOLDER, Ledger

if TYPE_CHECKING:
    from resampler.training_set import TrainingSet


@click.command()
@with_version(required=True, place=True)
@click.option("--against", metavar="FILE|DIR", help="Rows of today: Parquet, CSV or Arrow, a file or a directory.")
@click.option("--stream", metavar="NAME", help="Rows of today: what a stream's workers have counted.")
@click.option("--feast", metavar="SERVICE", help="Rows of today: what a feature service gives for --entity-df.")
@click.option("--url", metavar="URL", help="Redis of --stream and --emit.")
@click.option("--windows", type=click.IntRange(1), metavar="N", help="Newest windows of --stream; by default one.")
@click.option("--entity-df", metavar="FILE", help="Entities and times that --feast is asked for.")
@click.option("--feast-repo", metavar="DIRECTORY", help="Repository of --feast, if it is not that of the snapshot.")
@click.option("--label", metavar="COLUMN", help="Classes of the rows, where they are not called as in the version.")
@click.option("--policy", metavar="FILE", help="TOML or YAML file whose table [drift] has the limits.")
@click.option("--ignore", multiple=True, metavar="FEATURE", help="Leave a feature out; may be repeated.")
@click.option("--series", metavar="NAME", help="Runs whose decisions follow one another; by default by source.")
@click.option(
    "--ledger", "ledger_place", metavar="DIRECTORY", help="Where runs are kept; by default with the snapshot."
)
@click.option("--webhook", metavar="URL", help="Post the decision there, as JSON.")
@click.option("--emit", metavar="STREAM", help="Write the decision to a Redis stream, too.")
@click.option("--strict", is_flag=True, help="Exit 3 where there are not enough rows to tell.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def drift(
    version: TrainingSet,
    place: dict[str, str | None],
    against: str | None,
    stream: str | None,
    feast: str | None,
    url: str | None,
    windows: int | None,
    entity_df: str | None,
    feast_repo: str | None,
    label: str | None,
    policy: str | None,
    ignore: tuple[str, ...],
    series: str | None,
    ledger_place: str | None,
    webhook: str | None,
    emit: str | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Say how far rows have moved from those that a version was trained on, and whether to train again.

    Exit 0 the model stands, 1 the rows cannot be compared, 2 wrong usage, 3 train again.
    """
    from resampler.policy import Policy, read_policy
    from resampler.quality.drift.printing import in_words
    from resampler.quality.drift.settings import DriftPolicy
    from resampler.runs.drift import FILES, Later, Reference, check_drift

    sources = {FILES: against, "stream": stream, "feast": feast}
    kind = _one_of(sources)
    if url is not None and stream is None and emit is None:
        raise InvalidInputError("--url says where a stream is: give --stream or --emit")
    if windows is not None and stream is None:
        raise InvalidInputError("--windows says how much of a stream is looked at: give --stream")
    if label is not None and stream is not None:
        raise InvalidInputError(
            "--label names a column of rows, and workers of a stream count by its contract: drop it"
        )
    for option, value in (("--entity-df", entity_df), ("--feast-repo", feast_repo)):
        if value is not None and feast is None:
            raise InvalidInputError(f"{option} says what --feast is asked for: give --feast")
    rules = (Policy("no policy", {}) if policy is None else read_policy(policy)).record("drift", DriftPolicy)
    rules = replace(rules, ignore=(*rules.ignore, *ignore))
    deliveries = _Deliveries(webhook, emit, url)
    reference = Reference.of(version)
    if kind == FILES:
        later = Later.of_files(str(against), reference, rules, label)
    elif kind == "stream":
        later = Later.of_source(kind, str(stream), reference, rules, url=url, windows=windows)
    else:
        repo = feast_repo or place["repo"]
        later = Later.of_source(kind, str(feast), reference, rules, label, repo=repo, entity_df=entity_df)
    ledger = Ledger(version.home / FOLDER if ledger_place is None else ledger_place)
    checked = check_drift(reference, later, rules, ledger, series)
    run = checked.run
    printed = {**run.details, "subject": run.subject, "at": run.at, "key": run.key, "again": checked.again}
    printed["delivered"] = deliveries.send(printed)
    click.echo(json.dumps(printed, allow_nan=False) if as_json else "\n".join(in_words(run.details, run.subject)))
    for note in checked.notes:
        click.echo(f"Note: {note}", err=True)
    if checked.again:
        click.echo(f"Note: the same rows were looked at on {run.at[:19]}: this is what was said then", err=True)
    return GateError.exit_code if run.outcome == "no" or (strict and run.outcome == "unknown") else 0


def _one_of(given: dict[str, str | None]) -> str:
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        options = ", ".join(f"--{name}" for name in given)
        raise InvalidInputError(f"give one of {options}: the rows that are compared with the version")
    return named[0]


class _Deliveries:
    """Where a decision is sent; checked before anything is measured for it."""

    def __init__(self, webhook: str | None, emit: str | None, url: str | None) -> None:
        from resampler.runs.decisions import sender
        from resampler.runs.webhook import check_url

        self._webhook, self._stream, self._url = webhook, emit, url
        if webhook is not None:
            check_url(webhook)
        self._emit = None if emit is None else sender()

    def send(self, printed: dict[str, object]) -> dict[str, bool]:
        """Send what a run came to; say which deliveries arrived.

        One that fails is said, and changes no exit code: who schedules this command has the decision by the code.
        """
        from resampler.runs.decisions import message
        from resampler.runs.webhook import post

        found = {}
        data = message(printed)
        if self._webhook is not None:
            problem = post(self._webhook, data)
            found["webhook"] = problem is None
            if problem is not None:
                click.echo(f"Warning: the decision did not reach the webhook: {problem}", err=True)
        if self._emit is not None and self._stream is not None:
            try:
                self._emit(self._stream, data, url=self._url)
            except InvalidInputError:
                raise
            except ResamplerError as error:
                click.echo(f"Warning: the decision did not reach the stream: {error}", err=True)
                found["emit"] = False
            else:
                found["emit"] = True
        return found
