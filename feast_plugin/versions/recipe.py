"""`Recipe`: what is made of a version's rows. Options, manifests, tags and the table in the guide are made from it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feast_plugin.versions.split import FORMS, SplitRule
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.options import RATIO, SEED, Rule, check_options, count, one_of, option

if TYPE_CHECKING:
    from feast_plugin.versions.manifest import Manifest

ALGORITHM = 1  # raised when equal recipes begin to give other rows
PLAIN = ("smote", "smotenc")
ADAPTIVE = ("borderline", "adasyn")
SAMPLERS = (*PLAIN, *ADAPTIVE)
CLEANERS = ("tomek", "enn")
RETAINED = {"full": None, "sample": 1_000, "recipe": 0}  # synthetic rows that are stored; None is all
FORGOT = "forgot_in_version"  # a manifest's parameter: the version that this one replaces


def _check_split(_name: str, value: object) -> SplitRule:
    return value if isinstance(value, SplitRule) else SplitRule.parse(str(value))


def _check_column(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"{name} must be the name of a column, got {value!r}")
    return value


SPLIT = Rule(str, _check_split, FORMS.replace(" | ", ", "))
COLUMN = Rule(str, _check_column, "a column's name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is made of a version's rows, checked as far as it can be before they are known.

    Parameters
    ----------
    ratio, seed, split, sampler, k_neighbors, clean, undersample, group_by, retain
        As in `feast_plugin.create_snapshot`. What is None there is chosen when the contract is known
        (`feast_plugin.versions.training.resolve`).
    algorithm : int
        By which the rows are made; another than `ALGORITHM` is an earlier release's.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule.
    """

    ratio: float = option(0.2, RATIO, "Minority : majority in training afterwards.")
    seed: int = option(0, SEED, "What every random draw is keyed on.")
    split: SplitRule | None = option(
        None, SPLIT, "How rows are split; by default time:0.7,0.15,0.15, or stratified where rows have no time."
    )
    sampler: str | None = option(
        None, one_of(SAMPLERS), "How synthetic rows are made; by default smote, or smotenc for categorical features."
    )
    k_neighbors: int = option(5, count(1), "Neighbours of its class that a row may be joined with.")
    clean: str | None = option(None, one_of(CLEANERS), "Then take out of training what stands where the classes meet.")
    undersample: float | None = option(
        None, RATIO, "First drop training rows of larger classes until smallest : larger is this."
    )
    group_by: str | None = option(None, COLUMN, "Join key or feature: join only rows that agree in it.")
    retain: str = option(
        "full", one_of(RETAINED), "Synthetic rows to store: all, the first 1,000, or none; rebuild makes them again."
    )
    algorithm: int = ALGORITHM

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def column(self) -> str | None:
        """The column that the split is decided by, if one is."""
        return None if self.split is None else self.split.column

    @property
    def parameters(self) -> dict[str, Any]:
        """What a manifest keeps as `parameters`, and its tags say: all that decides the rows but seed and ratio."""
        chosen = {name: getattr(self, name) for name in ("clean", "group_by", "undersample")}
        return {
            "algorithm": self.algorithm,
            "k_neighbors": self.k_neighbors,
            "sampler": self.sampler,
            "split": str(self.split),
        } | {name: value for name, value in chosen.items() if value is not None}

    @classmethod
    def of(cls, manifest: Manifest) -> Recipe:
        """Read what a version was made by.

        Parameters
        ----------
        manifest : Manifest
            Of the version.

        Returns
        -------
        Recipe
            Whose `parameters` are the manifest's.

        Raises
        ------
        CorruptStateError
            If the manifest has parameters that this release does not know.
        """
        parameters = {name: value for name, value in manifest.parameters.items() if name != FORGOT}
        unknown = sorted(set(parameters) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise CorruptStateError(
                f"{manifest.name} version {manifest.version} was made with {', '.join(unknown)}, which this release "
                "does not know: use the release that made it, or a later one"
            )
        return cls(seed=manifest.seed, ratio=manifest.ratio, retain=manifest.retain, **parameters)
