"""What a run of the loop would do, without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from resampler.address import without_secrets
from resampler.errors import DataError
from resampler.runs.retrain.journal import Journal
from resampler.runs.webhook import check_url
from resampler.training_set import open_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from resampler.runs.retrain.settings import Settings


class Planned(NamedTuple):
    """One step that would be taken.

    Parameters
    ----------
    step : str
        Its name.
    words : str
        Whether, and when not, why.
    command : tuple of str
        What would be run; what only an earlier step can know stands in braces.
    """

    step: str
    words: str
    command: tuple[str, ...]


def plan(settings: Settings, *, force: bool = False) -> list[Planned]:
    """List the steps of the next run.

    Parameters
    ----------
    settings : Settings
        Of the policy.
    force : bool
        As `resampler.runs.retrain.loop.retrain` takes it.

    Returns
    -------
    list of Planned
        In order. Nothing is run or changed.
    """
    journal = Journal(settings.home, settings.policy.digest)
    name, alias = settings.name, settings.alias
    rows = settings.around.rows
    try:
        pointed = f"if rows have drifted from {open_version(f'{name}:{alias}', **settings.place)}"
    except DataError:
        pointed = ""
    if not pointed:
        drift = f"left out: no version is called {alias!r} yet"
    elif force or rows is None:
        drift = "left out: forced" if force else "left out: [retrain] names no rows of today"
    else:
        drift = "goes on " + pointed
    steps = {
        "drift": drift,
        "snapshot": "makes a version, or finds that of equal rows",
        "train": "trains a model on it, unless it was trained by the same code",
        "gate": f"asks the policy; a no ends the run, and {alias} stays",
        "alias": f"lets {alias} point to the version",
    }
    found = []
    for step, words in steps.items():
        command = settings.train.command if step == "train" else ("resampler", *settings.words(step))
        if step in journal.steps:
            found.append(Planned(step, "was taken by an unfinished run", ()))
        else:
            found.append(Planned(step, words, () if words.startswith("left out") else tuple(_shown(command))))
    return found


def _shown(command: Sequence[str]) -> Iterator[str]:
    """Write a command without what is secret in it: users and passwords, and all of a webhook but its host."""
    for before, word in zip(("", *command), command, strict=False):
        if before == "--webhook":
            yield f"{word.partition('://')[0]}://{check_url(word)}/..."
        else:
            yield without_secrets(word)
