"""Where a model's rows came from: what its version, the ledger beside it and MLflow say, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resampler.address import without_secrets
from resampler.budget import in_words as cost_in_words
from resampler.errors import CorruptStateError, DataError, InvalidInputError
from resampler.ledger import FOLDER, Ledger
from resampler.lineage.outbox import Outbox
from resampler.lineage.publication import Published, open_publication
from resampler.monitoring.alerts import ALERTS
from resampler.monitoring.catalog import LEDGER
from resampler.printing import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.lineage.models import Model

SNAPSHOT = "snapshot:"
_ASKED_BY = {"gate": "gate", "drift": "drift", "privacy": "audit privacy", "advice": "advise"}
STEPS = ("snapshot", "advise", "gate", "drift", "privacy", "retrain", "alias")  # of the ledger, that are counted


@dataclass(frozen=True, slots=True)
class Explained:
    """All that is known of where rows came from.

    Parameters
    ----------
    published : Published
        The version.
    model : Model, optional
        Whose rows these are; None where the version itself was asked for.
    runs : dict of str to str
        What advice, gate, drift and audits last said of the version, a line each.
    ledger : dict of str to dict
        By step, how many runs of the snapshot came to which outcome.
    problem : str
        Why the ledger could not be read; empty where it could.
    """

    published: Published
    model: Model | None
    runs: dict[str, str]
    ledger: dict[str, dict[str, int]]
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints.

        Returns
        -------
        dict
            The publication, and what stands around it.
        """
        made, waiting = self.published.publication, Outbox(self.published.home).waiting
        said = made.to_dict()
        return said | {
            "model": None if self.model is None else self.model.to_dict(),
            "aliases": list(self.published.aliases),
            "uses": None if self.published.uses is None else list(self.published.uses),
            "parents": {"split": "train", **{name: made.counts["train"][name] for name in ("real", "synthetic")}},
            "runs": self.runs,
            "ledger": self.ledger,
            "watched": watched(),
            "outbox": {"events": waiting.events, "oldest": waiting.oldest, "refused": waiting.refused},
            "problem": self.problem or None,
        }


def explain(what: str, *, uses: bool = False, **place: str | None) -> Explained:
    """Say where rows came from.

    Parameters
    ----------
    what : str
        ``snapshot:NAME``, ``snapshot:NAME:3``, ``snapshot:NAME:prod``, or ``models:/NAME/ALIAS``.
    uses : bool
        Whether to open a feature store to see what else uses the version.
    **place : str or None
        ``repo``, ``catalog`` or ``root``; of a model by default where its run says.

    Returns
    -------
    Explained
        What is known.

    Raises
    ------
    InvalidInputError
        If it is neither.
    DataError
        If there is no such version or model, or the model's run names no version.
    ResamplerError
        If MLflow's server does not answer, or a file is damaged.
    """
    model = None
    if what.startswith("models:/"):
        from resampler.lineage.models import Models

        model = Models().find(what)
        if not model.origins:
            raise DataError(
                f"{model} was trained on no version that MLflow knows of: log it as an input of its run "
                "(resampler.lineage.tracking.training_input), and register the model again"
            )
        if len(model.origins) > 1:
            names = ", ".join(f"{SNAPSHOT}{one.snapshot} of digest {one.digest[:12]}" for one in model.origins)
            raise DataError(f"{model} was trained on several versions: ask for one of {names}")
        origin = model.origins[0]
        if not any(place.values()):
            place = {"repo": None, "catalog": None, "root": origin.root}
        published = open_publication(f"{origin.snapshot}@{origin.digest}", uses=uses, **place)
    elif what.startswith(SNAPSHOT):
        published = open_publication(what.removeprefix(SNAPSHOT), uses=uses, **place)
    else:
        raise InvalidInputError(f"ask for snapshot:NAME[:VERSION|ALIAS] or models:/NAME/ALIAS, got {what!r}")
    return _explained(published, model)


def _explained(published: Published, model: Model | None) -> Explained:
    from resampler.runs.latest import latest

    ledger = Ledger(published.home / FOLDER)
    counted = {step: _counted(ledger.outcomes(step)) for step in STEPS}
    counted = {step: outcomes for step, outcomes in counted.items() if outcomes}
    try:
        return Explained(published, model, latest(published.home, published.publication.digest), counted)
    except CorruptStateError as error:
        return Explained(published, model, {}, counted, str(error))


def _counted(outcomes: list[str]) -> dict[str, int]:
    return {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))}


def watched() -> dict[str, list[str]]:
    """Name what watches a snapshot in production.

    Returns
    -------
    dict of str to list of str
        ``metrics`` that `resampler metrics` exports of it, and ``alerts`` that look at them.
    """
    metrics = [name for name, metric in LEDGER.items() if {"snapshot", "dataset"} & set(metric.labels)]
    alerts = [one.name for one in ALERTS.values() if any(name in one.expr for name in metrics)]
    return {"metrics": metrics, "alerts": alerts}


def in_words(found: Explained) -> Iterator[str]:
    """Say it to people.

    Parameters
    ----------
    found : Explained
        What is known.

    Yields
    ------
    str
        A line.
    """
    made, published = found.published.publication, found.published
    if found.model is not None:
        aliases = f", alias {', '.join(found.model.aliases)}" if found.model.aliases else ""
        yield plain(f"{found.model}{aliases}, made by run {found.model.run_id}, was trained on {made}")
    pointing = f", which {', '.join(published.aliases)} points to" if published.aliases else ""
    yield plain(f"{made}{pointing}: digest {made.digest}")
    for name, words in _said(found):
        yield plain(f"  {name + ':':<14} {words}")


def _said(found: Explained) -> Iterator[tuple[str, str]]:
    made, published = found.published.publication, found.published
    yield "made", f"{made.created} in {without_secrets(made.uri)}"
    key = f"; secret key {made.secret_key}" if made.secret_key else ""
    yield "recipe", f"{made.method}, seed {made.seed}, ratio {made.ratio:g} (reached {made.reached:.4g}){key}"
    yield "sensitive", made.privacy if made.privacy != "as its parents" else "as the rows that they were made from"
    yield "parameters", ", ".join(f"{name} {value}" for name, value in sorted(made.parameters.items())) or "none"
    yield "read from", "; ".join(f"{one['kind']} {one['name']}" for one in made.inputs) or "a table in memory"
    train = made.counts["train"]
    yield (
        "parents",
        f"the {train['real']:,} real rows of the train split; {train['synthetic']:,} rows were made of them",
    )
    for split, counts in made.counts.items():
        classes = ", ".join(f"{name} {of['real']:,}+{of['synthetic']:,}" for name, of in counts["classes"].items())
        yield split, f"{counts['rows']:,} rows, real+synthetic by class: {classes}"
    names = [f"{one['level']} {one['name']}" + (" (allowed)" if one["allowed"] else "") for one in made.findings]
    yield "findings", ", ".join(names) or "none"
    for name, command in _ASKED_BY.items():
        never = f"has not run on it: resampler {command}"
        yield name, found.runs.get(name, f"not known: {found.problem}" if found.problem else never)
    yield (
        "cost",
        cost_in_words(made.cost) if "cpu_seconds" in made.cost else "not kept, it was made by an earlier release",
    )
    counted = (f"{step} {', '.join(f'{n} {what}' for what, n in of.items())}" for step, of in found.ledger.items())
    yield "ledger", "; ".join(counted) or "no run yet"
    if published.uses is None:
        yield "used by", "not asked: --uses opens the feature store to see"
    else:
        yield "used by", "; ".join(published.uses) or "nothing else"
    yield "watched by", ", ".join(watched()["alerts"])
    waiting = Outbox(published.home).waiting
    if waiting.events:
        yield "lineage", f"{waiting.events} events wait to be sent, the oldest since {waiting.age}"
