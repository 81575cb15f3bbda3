"""Which groups of slices have more than their share of synthetic rows, and what a policy says of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.errors import InvalidInputError
from resampler.quality.gate.figures import Figure
from resampler.quality.gate.judged import judge, where
from resampler.quality.gate.limits import Limit, widest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from resampler.quality.fairness.representation import Representation
    from resampler.quality.gate.judged import Judged
    from resampler.quality.gate.rules import GateRules


def judge_representation(found: Mapping[str, Sequence[Representation]], rules: GateRules) -> Iterator[Judged]:
    """Hold shares of synthetic rows against what slices allow.

    Parameters
    ----------
    found : mapping of str to sequence of Representation
        By slice, of the class that is measured.
    rules : GateRules
        Of the policy.

    Yields
    ------
    Judged
        Of each group of the slices that a policy asks for.

    Raises
    ------
    InvalidInputError
        If a policy asks for a slice whose synthetic rows are not known.
    """
    for column, asked in rules.slices.items():
        by = asked.over_represented
        if by is None:
            continue
        if column not in found:
            raise InvalidInputError(
                f"[gate.slices.{column}] over_represented needs --snapshot, a version that stores its training split "
                f"with a column {column!r}: give one, or take it out"
            )
        groups = found[column]
        rows = min(sum(one.real for one in groups), sum(one.synthetic for one in groups))
        for one in groups:
            figure = Figure(one.share_of_synthetic - one.share_of_real, *one.interval, rows)
            rule = f"over_represented {where(one.group)}"
            min_rows = asked.min_rows or rules.min_rows
            yield judge(rule, figure, Limit(high=by), min_rows=min_rows, narrow=widest(by))
