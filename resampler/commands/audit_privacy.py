"""`resampler audit privacy`: attacks on synthetic rows; exit 0 they found little, 3 a limit is broken."""

from __future__ import annotations

import json
import time as clock
import warnings
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from resampler.command_options import click_options
from resampler.commands.budget_option import Spending, with_budget
from resampler.commands.version_option import with_version
from resampler.errors import GateError, InvalidInputError
from resampler.ledger import Ledger
from resampler.options import options_of
from resampler.quality.privacy.rules import PrivacyRules
from resampler.runs.privacy.attacked import Attacked

if TYPE_CHECKING:
    from resampler.budget import Meter
    from resampler.quality.privacy.audit import PrivacyAudit
    from resampler.runs.privacy.parts import Parts
    from resampler.training_set import TrainingSet

_OF_FILES = {
    "real": "--real",
    "held_out": "--held-out",
    "label": "--label",
    "flag": "--synthetic-column",
    "features": "--features",
    "categorical": "--categorical",
    "time": "--time",
    "seed": "--seed",
    "method": "--method",
    "k_neighbors": "--k-neighbors",
}


def _names(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return () if value is None else tuple(name.strip() for name in value.split(",") if name.strip())


@click.command()
@click.argument("file", required=False, metavar="[FILE]")
@with_version()
@click.option("--stream", metavar="NAME", help="The output of a stream: its newest rows.")
@click.option("--redis", "--url", "url", metavar="URL", help="Redis of --stream; by default RESAMPLER_REDIS_URL.")
@click.option("--real", metavar="FILE", help="With FILE: the real rows that its synthetic ones were made from.")
@click.option("--held-out", metavar="FILE", help="With FILE: real rows that they were not made from, the control.")
@click.option("--label", metavar="COLUMN", help="With FILE (required): column of the class.")
@click.option("--synthetic-column", "flag", metavar="COLUMN", help="With FILE: true for a synthetic row.")
@click.option("--features", callback=_names, help="With FILE: columns that are compared, by default all others.")
@click.option("--drop", callback=_names, help="Columns that are not compared, separated by commas.")
@click.option("--categorical", callback=_names, help="With FILE: integer columns that are codes, likewise.")
@click.option("--time", metavar="COLUMN", help="With FILE: event time, by which rows may be singled out.")
@click.option("--seed", type=int, help="With FILE: what its rows were made with, where an attacker may know it.")
@click.option("--method", help="With FILE: how its rows were made; by default smote.")
@click.option("--k-neighbors", type=int, help="With FILE: neighbours that a row was joined with; by default 5.")
@click.option("--class", "only", multiple=True, metavar="CLASS", help="A class, again for more; by default all.")
@click.option("--attack", "attacks", multiple=True, metavar="NAME", help="An attack, again for more; by default all.")
@click.option("--policy", metavar="FILE", help="TOML or YAML file whose table [privacy] has the limits.")
@click_options(PrivacyRules)
@click_options(Attacked)
@with_budget
@click.option(
    "--what-if/--no-what-if",
    default=None,
    help="Resample the same real rows with other options, in memory, and attack them: by default where a limit is "
    "broken and the class is small.",
)
@click.option(
    "--resume",
    metavar="DIRECTORY",
    help="Where what is measured is kept, so that a run that was cut goes on; by default in the user's cache.",
)
@click.option(
    "--ledger", "ledger_place", metavar="DIRECTORY", help="Where runs are kept; by default with the snapshot."
)
@click.option("--strict", is_flag=True, help="Exit 3 where there are not enough rows to tell.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def privacy(
    file: str | None,
    version: TrainingSet | None,
    stream: str | None,
    url: str | None,
    only: tuple[str, ...],
    attacks: tuple[str, ...],
    policy: str | None,
    what_if: bool | None,
    resume: str | None,
    ledger_place: str | None,
    strict: bool,
    as_json: bool,
    spending: Spending,
    **options: Any,
) -> int:
    """Attack synthetic rows, and say how many real ones come out.

    They are rebuilt, told from others, or named. Rows are those of FILE (.parquet, .csv, .arrow), of a --snapshot or of
    the output of a --stream. Each attack is run beside a control, real rows that nothing was made from. Exit 0 within
    the limits, 1 the data are at fault, 2 wrong usage, 3 a limit is broken, 4 --max-seconds ended it: the same command
    again goes on. That attacks find nothing is no guarantee.
    """
    began = clock.perf_counter()
    limits = {one.name: options.pop(one.name) for one in options_of(PrivacyRules)}
    attacked = Attacked(**{one.name: options.pop(one.name) for one in options_of(Attacked)})
    from resampler.policy import read_policy
    from resampler.quality.privacy.audit import check_attacks
    from resampler.runs.privacy.asked import run_audit
    from resampler.runs.privacy.kept import keep
    from resampler.runs.usual_store import usual_store

    rules = PrivacyRules.of(None if policy is None else read_policy(policy), **limits)
    check_attacks(attacks)
    subject = _subject(file, version, stream, url, options)
    parts = _parts(file, version, stream, url, attacked, options, spending.meter)
    with tqdm(unit="attack", disable=None, leave=False) as bar, warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")

        def _progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        store = resume if resume is not None else usual_store("privacy")
        try:
            found = run_audit(
                parts,
                rules,
                only=only,
                attacks=attacks,
                attacked=attacked,
                left_s=spending.meter.left_s,
                what_if=what_if,
                store=store,
                progress=_progress,
            )
        except KeyboardInterrupt:
            bar.close()
            if store is not None:
                click.echo(f"Note: what ended is kept in {store}: the same command again goes on from there", err=True)
            raise
    for line in dict.fromkeys(str(one.message) for one in heard):
        click.echo(f"Note: {line}", err=True)
    cost = spending.details(late=any(one.state == "late" for one in found.attempts), store=store)
    if version is not None:
        ledger = None if ledger_place is None else Ledger(ledger_place)
        keep(version, found, clock.perf_counter() - began, ledger, cost)
    hardened = version is not None and "group_size" in version.parameters
    _say(found, spending.in_json(cost), subject, hardened=hardened, as_json=as_json)
    stopped = spending.say(cost)
    if found.outcome == "no":
        return GateError.exit_code  # more attacks make it no better
    return stopped or (GateError.exit_code if strict and found.outcome == "unknown" else 0)


def _subject(
    file: str | None, version: TrainingSet | None, stream: str | None, url: str | None, options: dict[str, Any]
) -> str:
    """Check that one source is named, and say which."""
    if sum(one is not None for one in (file, version, stream)) != 1:
        raise InvalidInputError("give one of FILE, --snapshot and --stream: the rows that are attacked")
    if url is not None and stream is None:
        raise InvalidInputError("--redis says where a stream is: give --stream")
    if file is None:
        for name, option in _OF_FILES.items():
            if options[name] not in (None, ()):
                raise InvalidInputError(f"{option} is for files: drop it, for {version or stream} says it itself")
        return str(version) if version is not None else f"stream {stream}"
    if options["label"] is None:
        raise InvalidInputError("--label names the column of the class, and is needed with a file")
    from resampler.address import without_secrets

    return without_secrets(file)


def _parts(
    file: str | None,
    version: TrainingSet | None,
    stream: str | None,
    url: str | None,
    attacked: Attacked,
    options: dict[str, Any],
    meter: Meter,
) -> Parts:
    if version is not None:
        n_rows = sum(kinds["real"] + kinds["synthetic"] for of in version.classes.values() for kinds in of.values())
        meter.check_table("reading", n_rows, len(version.features))
        from resampler.runs.privacy.versions import parts_of_version

        return parts_of_version(version, drop=options["drop"])
    if stream is not None:
        from resampler.runs.privacy.outputs import output_of

        return output_of("stream")(stream, url=url, rows=10 * attacked.max_rows)
    from resampler.runs.privacy.files import parts_of_files
    from resampler.table_file import TableFile

    table = TableFile.open(str(file), "FILE")
    meter.check_table("reading", table.n_rows, len(table.schema))
    given = {name: value for name, value in options.items() if value not in (None, ())}
    real, held_out = given.pop("real", None), given.pop("held_out", None)
    return parts_of_files(str(file), real, held_out, **given)


def _say(found: PrivacyAudit, cost: dict[str, Any], subject: str, *, hardened: bool, as_json: bool) -> None:
    from resampler.quality.privacy.printing import in_words

    if as_json:
        click.echo(json.dumps({"subject": subject} | found.to_dict() | cost, allow_nan=False))
        return
    for line in in_words(found, subject, hardened=hardened):
        click.echo(line)
