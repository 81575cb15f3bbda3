"""`PrivacyRules`: how far attacks may come, the table [privacy] of a policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from resampler.options import SHARE, check_options, count, option
from resampler.policy import record_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resampler.policy import Policy

LIMITS = {"exact": 0.01, "near": 0.01, "membership_auc": 0.65, "tpr": 0.1, "named": 0.01}
MIN_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyRules:
    """How far attacks may come.

    Parameters
    ----------
    exact, near : float, optional
        Of the real rows, the most that an attack may rebuild, exactly or nearly, unless it does as much of held-out
        rows.
    membership_auc, tpr : float, optional
        The most that an attack may tell real rows from held-out ones.
    named : float, optional
        Of the synthetic rows, the most whose base is named beyond chance.
    min_rows : int
        Real rows, and held-out rows, below which a figure tells nothing.
    is_guide : bool
        Whether the limits are the usual ones, because none is set.
    """

    exact: float | None = option(None, SHARE, "Most real rows that an attack may rebuild exactly, as a share.")
    near: float | None = option(None, SHARE, "Most real rows that an attack may rebuild nearly.")
    membership_auc: float | None = option(
        None, SHARE, "Most that an attack may tell real rows from held-out ones, an area under the curve."
    )
    tpr: float | None = option(None, SHARE, "Most real rows that may be told at 1 % false alarms.")
    named: float | None = option(None, SHARE, "Most synthetic rows whose base may be named, beyond chance.")
    min_rows: int | None = option(
        None, count(1), f"Fewer real or held-out rows than this tell nothing; by default {MIN_ROWS}."
    )
    is_guide: bool = False

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def limits(self) -> dict[str, float]:
        """What has a limit, and which."""
        return {name: limit for name in LIMITS if (limit := getattr(self, name)) is not None}

    @property
    def fewest(self) -> int:
        """Rows below which a figure tells nothing."""
        return MIN_ROWS if self.min_rows is None else self.min_rows

    @classmethod
    def of(cls, policy: Policy | None = None, **given: Any) -> PrivacyRules:
        """Take the table [privacy] of a policy.

        Parameters
        ----------
        policy : Policy, optional
            None for none at all.
        **given : object
            Options that stand in place of the policy's; None is none.

        Returns
        -------
        PrivacyRules
            With the usual limits where neither sets any.

        Raises
        ------
        InvalidInputError
            If a name is unknown or a value breaks its rule.
        """
        table: Mapping[str, Any] = {} if policy is None else policy.table("privacy")
        rules = record_of("limits" if policy is None else f"[privacy] of {policy.source}", table, cls)
        asked = record_of("limits", {name: value for name, value in given.items() if value is not None}, cls)
        rules = replace(
            rules, **{name: value for name in (*LIMITS, "min_rows") if (value := getattr(asked, name)) is not None}
        )
        return rules if rules.limits else replace(rules, **LIMITS, is_guide=True)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """Return the limits as JSON can hold them.

        Returns
        -------
        dict
            By name.
        """
        return self.limits | {"min_rows": self.fewest}
