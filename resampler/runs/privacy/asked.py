"""An audit from parts to figures: what is attacked, within what effort, and what is tried that would lower it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.audit import audit_classes
from resampler.quality.privacy.what_if import lower
from resampler.runs.privacy.attacked import Attacked
from resampler.runs.privacy.parts import expose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from resampler.quality.privacy.audit import PrivacyAudit
    from resampler.quality.privacy.rules import PrivacyRules
    from resampler.runs.privacy.parts import Parts

CHEAP = 10_000  # rows of a class, real and synthetic, up to which other options are tried unasked


def run_audit(
    parts: Parts,
    rules: PrivacyRules,
    *,
    only: Sequence[str] = (),
    attacks: Sequence[str] = (),
    attacked: Attacked | None = None,
    left_s: float | None = None,
    what_if: bool | None = None,
    store: Path | str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PrivacyAudit:
    """Attack parts, and try what would lower what is found.

    Parameters
    ----------
    parts : Parts
        Rows.
    rules : PrivacyRules
        Limits.
    only, attacks : sequence of str
        Classes and attacks; empty for all.
    attacked : Attacked, optional
        How many rows are attacked.
    left_s : float, optional
        Seconds after which no attack is begun but the first; by default there is no limit.
    what_if : bool, optional
        Whether other options are tried; by default where a limit is broken and a class is small.
    store : Path or str, optional
        Where attacks are kept as they end.
    progress : callable, optional
        Called as ``progress(done, total)``.

    Returns
    -------
    PrivacyAudit
        With notes of the parts.

    Raises
    ------
    InvalidInputError, DataError
        As `expose` and `audit_classes`.
    """
    attacked = attacked or Attacked()
    effort = Effort(rows=attacked.max_rows)
    seen = expose(parts, only)
    found = audit_classes(
        seen.exposures,
        bases=seen.bases,
        attacks=attacks or None,
        rules=rules,
        effort=effort,
        budget_s=None if left_s is None else max(left_s, 1e-9),
        least=1,
        store=store,
        progress=progress,
        notes=seen.notes,
    )
    if what_if is None:
        broken = {one.label for one, said in found.ruled() if said.verdict == "no"}
        tried = [one for one in seen.exposures if one.name in broken and len(one.synthetic) + len(one.real) <= CHEAP]
    else:
        tried = list(seen.exposures) if what_if else []
    if not tried or any(one.state == "late" for one in found.attempts):
        return found
    return replace(found, lowered=tuple(lower(tried, found.attempts, seen.making, effort, progress)))
