"""`Draft`: all that decides the files of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from feast_plugin.versions.files.manifest import FORMAT, HARDENED
from feast_plugin.versions.files.parts import Parts
from feast_plugin.versions.making.learned import ANEW, Learned
from feast_plugin.versions.making.recipe import FORGOT
from resampler.profile.cells import FORMAT as PROFILE_FORMAT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.audited import AuditSample
    from feast_plugin.versions.making.gate import Gate
    from feast_plugin.versions.making.on_demand import Transformation
    from feast_plugin.versions.making.recipe import Recipe
    from resampler.engines.workplace import Workplace
    from resampler.quality.finding import Finding


class Draft(NamedTuple):
    """All that decides the files of a version.

    Parameters
    ----------
    contract : Contract
        Columns.
    rows : CanonicalRows
        Real rows in canonical order.
    assignment : ndarray of shape (n_rows,), uint8
        Split of each row, as a position in `SPLITS`.
    recipe : Recipe
        What is made of them, with nothing left open.
    inputs, notes
        As in `Manifest`.
    replaces : int, optional
        The version that this one replaces, without an entity that was forgotten.
    manifest_format : int, optional
        See `Manifest.format`; by default today's for such rows.
    created : str, optional
        As in `Manifest`, by default now.
    learned : Learned
        What is not learned from the training split anew.
    gate : Gate, optional
        Which findings stop the version; by default none does.
    allowed : tuple of str
        Without a gate: checks whose findings the version before was let pass with.
    findings : list of Finding, optional
        What was found when the version was made first; by default it is sought.
    compute : callable, optional
        As in `feast_plugin.versions.making.training.augment_training`.
    profile_form : int
        Format of the counts.
    reading_s : float, optional
        What finding the rows took.
    audited : AuditSample, optional
        What is kept of the version for auditors; by default nothing.
    parts : Parts
        Takes what is finished, or has it from an earlier run, and knows what may be spent.
    place : Workplace, optional
        Whose engine makes the version by parts; by default this process makes it.
    part_rows : int, optional
        Rows of a split after which it is cut into another file; by default `PART_ROWS`.
    """

    contract: Contract
    rows: CanonicalRows
    assignment: NDArray[np.uint8]
    recipe: Recipe
    inputs: dict[str, Any]
    notes: dict[str, Any] | None = None
    replaces: int | None = None
    created: str | None = None
    manifest_format: int | None = None
    learned: Learned = ANEW
    gate: Gate | None = None
    allowed: tuple[str, ...] = ()
    findings: list[Finding] | None = None
    compute: Transformation | None = None
    profile_form: int = PROFILE_FORMAT
    reading_s: float | None = None
    audited: AuditSample | None = None
    parts: Parts = Parts()  # keeps nothing, and has no limit
    place: Workplace | None = None
    part_rows: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """As in `Manifest`."""
        return self.recipe.parameters | ({} if self.replaces is None else {FORGOT: self.replaces})

    @property
    def written_format(self) -> int:
        """The manifest's format."""
        return self.manifest_format or (HARDENED if self.recipe.hardens else FORMAT)
