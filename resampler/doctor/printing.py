"""Answers to the checklist, for people: a stage at a time, the worst first; what has one reason is one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.doctor.item import FAIL, PASS, STAGES, UNKNOWN
from resampler.printing import aligned, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.doctor.checklist import Examined

_READY = {FAIL: "not ready", UNKNOWN: "nothing fails, and not all is known", PASS: "ready"}


def in_words(examined: list[Examined]) -> Iterator[str]:
    """Write answers.

    Parameters
    ----------
    examined : list of Examined
        As `resampler.doctor.checklist.examine` sorts them.

    Yields
    ------
    str
        Lines; the remedy ends that of an item that fails, or that a person has to answer.
    """
    yield _headed(_READY[next(verdict for verdict in _READY if _count(examined, verdict))], examined)
    for stage in STAGES:
        mine = [one for one in examined if one.item.stage == stage]
        if not mine:
            continue
        yield _headed(stage, mine)
        alike = _alike(mine)
        alone = [one for one in mine if one.item.name not in alike]
        rows = [(one.answer.verdict, one.item.name, one.answer.reason) for one in alone]
        lines = [f"  {line}{_help(one)}" for one, line in zip(alone, aligned(rows), strict=True)]
        known = sum(one.answer.verdict == PASS for one in alone)
        yield from lines[: len(lines) - known]
        for reason in dict.fromkeys(alike.values()):
            names = [name for name, why in alike.items() if why == reason]
            yield f"  {UNKNOWN}  {', '.join(names)}: {plain(reason)}"
        yield from lines[len(lines) - known :]


def _count(examined: list[Examined], verdict: str) -> int:
    return sum(one.answer.verdict == verdict for one in examined)


def _headed(what: str, examined: list[Examined]) -> str:
    return f"{what}: {', '.join(f'{_count(examined, verdict)} {verdict}' for verdict in (FAIL, UNKNOWN, PASS))}"


def _help(one: Examined) -> str:
    helps = one.answer.verdict == FAIL or (one.item.attested and one.answer.verdict == UNKNOWN)
    return f". {one.item.remedy}" if helps else ""


def _alike(examined: list[Examined]) -> dict[str, str]:
    """Return the reasons of items that are unknown for the same one, as of a server that nobody named, by name."""
    reasons = {
        one.item.name: one.answer.reason for one in examined if one.answer.verdict == UNKNOWN and not one.item.attested
    }
    many = [*reasons.values()]
    return {name: reason for name, reason in reasons.items() if many.count(reason) > 1}
