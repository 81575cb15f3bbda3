"""`resampler retrain`: the loop that schedulers run; exit 0 done or nothing to do, 3 a gate said no."""

from __future__ import annotations

import json

import click

from resampler.errors import GateError


@click.command()
@click.option("--policy", "path", required=True, metavar="FILE", help="TOML or YAML file that says all of it.")
@click.option("--force", is_flag=True, help="Go on without drift, and with a version that was judged before.")
@click.option("--restart", is_flag=True, help="Forget what an unfinished run has done, and begin anew.")
@click.option("--dry-run", is_flag=True, help="Say what would be run, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def retrain(path: str, force: bool, restart: bool, dry_run: bool, as_json: bool) -> int:
    """Make a version where rows have drifted, train on it, and let an alias follow where a gate says yes.

    Drift, snapshot, training, gate, alias: each step is taken once. A run that was killed is gone on with; two at once
    do not happen. Exit 0 done or nothing to do, 1 a step failed, 2 wrong usage, 3 a gate said no, 4 a
    budget of [snapshot] is spent: run it again.
    """
    from resampler.ledger import FOLDER, Ledger
    from resampler.runs.retrain.loop import StepError
    from resampler.runs.retrain.loop import retrain as run
    from resampler.runs.retrain.plan import plan
    from resampler.runs.retrain.printing import in_words, planned
    from resampler.runs.retrain.settings import Settings

    settings = Settings.read(path)
    if dry_run:
        steps = plan(settings, force=force)
        lines = [json.dumps({"steps": [one._asdict() for one in steps]})] if as_json else list(planned(steps))
        click.echo("\n".join(lines))
        return 0
    failure = None
    try:
        outcome = run(settings, force=force, restart=restart, say=lambda line: click.echo(line, err=True))
    except StepError as error:
        outcome, failure = error.outcome, error
    rate = Ledger(settings.home / FOLDER).success("retrain")
    if as_json:
        click.echo(json.dumps(outcome.to_dict() | {"success": rate}, allow_nan=False))
    else:
        click.echo("\n".join(in_words(outcome, rate)))
    if failure is not None:
        raise failure
    return GateError.exit_code if outcome.outcome == "no" else 0
