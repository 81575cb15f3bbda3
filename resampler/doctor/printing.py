"""Answers to the checklist, for people: a stage at a time, the worst first, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.doctor.item import FAIL, PASS, STAGES, UNKNOWN
from resampler.printing import aligned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.doctor.checklist import Examined


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
    for stage in STAGES:
        mine = [one for one in examined if one.item.stage == stage]
        if not mine:
            continue
        counts = {verdict: sum(one.answer.verdict == verdict for one in mine) for verdict in (FAIL, UNKNOWN, PASS)}
        yield f"{stage}: {', '.join(f'{n} {verdict}' for verdict, n in counts.items())}"
        rows = [(one.answer.verdict, one.item.name, one.answer.reason) for one in mine]
        for one, line in zip(mine, aligned(rows), strict=True):
            helps = one.answer.verdict == FAIL or (one.item.attested and one.answer.verdict == UNKNOWN)
            yield f"  {line}" + (f". {one.item.remedy}" if helps else "")
