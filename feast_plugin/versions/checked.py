"""What the checks find of a version, beside the writing of its files; and what its gate lets pass."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from feast_plugin.versions.inputs.split import TRAIN
from feast_plugin.versions.making.gate import Gate
from feast_plugin.versions.making.preflight import evidence_of
from feast_plugin.versions.making.training import augment_training
from resampler.quality.checks.arrays import findings_of
from resampler.quality.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from feast_plugin.versions.draft import Draft
    from feast_plugin.versions.files.parts import Filed
    from feast_plugin.versions.making.augmentation import Augmentation
    from resampler.quality.checks.evidence import Evidence

_LOOKING = "looking for what would mislead"  # a part of a run


def find(draft: Draft) -> list[Finding]:
    """Make the synthetic rows of a version, and say what the checks find, without writing it.

    Parameters
    ----------
    draft : Draft
        The version.

    Returns
    -------
    list of Finding
        The worst first.

    Raises
    ------
    InvalidInputError, GateError
        As `augment`.
    """
    assignment, made, _ = augment_training(
        draft.rows, draft.assignment, draft.contract, draft.recipe, draft.learned, compute=draft.compute
    )
    looked_at = draft.assignment if draft.recipe.release else assignment
    return findings_of(evidence_of(draft.rows, looked_at == TRAIN, made, draft.contract, draft.recipe))


def check_while(
    draft: Draft,
    train: NDArray[np.bool_],
    made: Augmentation,
    write: Callable[[], dict[str, Filed]],
) -> tuple[list[Finding], dict[str, Any], dict[str, Filed]]:
    """Write the files, and seek what would mislead a model: while they are written or, of kept parts, before.

    Parameters
    ----------
    draft : Draft
        The version.
    train : ndarray of shape (n_rows,), bool
        Its training split, after cleaning.
    made : Augmentation
        What was added to that.
    write : callable
        Writes the files, and returns them by path.

    Returns
    -------
    findings : list of Finding
        The worst first, as the gate marks them.
    figures : dict
        Numbers for the manifest's notes; none of a release, nor where findings were given.
    files : dict of str to Filed
        From `write`.

    Raises
    ------
    GateError
        If a finding stops the version.
    """
    recipe, parts = draft.recipe, draft.parts

    def _look() -> Evidence:
        seen = (draft.assignment == TRAIN) if recipe.release else train
        return evidence_of(draft.rows, seen, made, draft.contract, recipe)

    def _seek() -> dict[str, Any]:
        evidence = _look()
        return {"findings": [one.to_dict() for one in findings_of(evidence)], "figures": evidence.figures}

    figures: dict[str, Any] = {}
    if draft.findings is not None:
        files = write()
        return _judged(draft, draft.findings, sought=False), figures, files
    if draft.place is not None:  # workers write meanwhile
        with ThreadPoolExecutor(1) as pool:
            sought = pool.submit(_seek)
            files = write()
        said = parts.data(_LOOKING, sought.result)
        findings = _judged(draft, [Finding.from_dict(one) for one in said["findings"]], sought=True)
        return findings, {} if recipe.release else said["figures"], files
    if parts.keeps:
        found = parts.data(_LOOKING, _seek)
        findings = _judged(draft, [Finding.from_dict(one) for one in found["findings"]], sought=True)
        return findings, {} if recipe.release else found["figures"], write()
    evidence = _look()
    figures = {} if recipe.release else evidence.figures
    with ThreadPoolExecutor(1) as pool:  # what is found decides no byte of a split
        asked = pool.submit(findings_of, evidence)
        del evidence  # the rows in it
        files = write()
    return _judged(draft, asked.result(), sought=True), figures, files


def _judged(draft: Draft, findings: list[Finding], *, sought: bool) -> list[Finding]:
    """Let the gate of a version say what it says of findings."""
    if draft.gate is not None:
        findings = draft.gate.marked(findings)
        draft.gate.check(findings)
    elif sought:
        findings = Gate(allow=draft.allowed).marked(findings)
    return findings


def replace_figure(found: Finding) -> Finding:
    """Leave out of a finding what it says of real rows that a release leaves out.

    Parameters
    ----------
    found : Finding
        As it was said when the version was made.

    Returns
    -------
    Finding
        That it was found, with its rule and remedy.
    """
    return dataclasses.replace(found, figure="not published, as the rows are not", columns=(), values={})
