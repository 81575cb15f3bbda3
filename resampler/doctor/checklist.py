"""`items`: the whole checklist, with what wings bring; `examine`, which asks it."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import NamedTuple

from resampler.doctor import alerting, data, kept, policies, ran
from resampler.doctor.item import STAGES, UNKNOWN, WORST_FIRST, Answer, Asked, Item, Verdict

GROUP = "resampler.doctor"  # entry points: a wing's tuple of `Item`
OWN = (*data.ITEMS, *ran.ITEMS, *policies.ITEMS, *alerting.ITEMS, *kept.ITEMS)


class Examined(NamedTuple):
    """An item and its answer.

    Parameters
    ----------
    item : Item
        The question.
    answer : Answer
        What a look says.
    """

    item: Item
    answer: Answer


def items() -> dict[str, Item]:
    """List the checklist.

    Returns
    -------
    dict of str to Item
        By name: those of the core, then those of each wing; of a wing that is not installed one that says so.
    """
    found = list(OWN)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            found += point.load()
        except ModuleNotFoundError as error:
            found.append(_of_missing_wing(point.name, str(error.name)))
    return {item.name: item for item in sorted(found, key=lambda item: STAGES.index(item.stage))}


def _of_missing_wing(wing: str, module: str) -> Item:
    def ask(_asked: Asked) -> Answer:
        return Answer(UNKNOWN, f"not looked at: {module} is not installed")

    remedy = f"pip install 'feast-resampler[{wing}]'"
    return Item(f"{wing}-installed", "production", f"Is what looks at {wing}s installed?", remedy, (), ask)


def examine(asked: Asked) -> list[Examined]:
    """Ask the whole checklist.

    Parameters
    ----------
    asked : Asked
        What there is to look at.

    Returns
    -------
    list of Examined
        By stage, the worst first.
    """
    found = [Examined(item, item.answer(asked)) for item in items().values()]
    return sorted(found, key=lambda one: (STAGES.index(one.item.stage), WORST_FIRST.index(one.answer.verdict)))


def worst(examined: list[Examined]) -> Verdict:
    """Say what all answers say together.

    Parameters
    ----------
    examined : list of Examined
        From `examine`.

    Returns
    -------
    {"pass", "fail", "unknown"}
        The worst of them.
    """
    return min((one.answer.verdict for one in examined), key=WORST_FIRST.index)
