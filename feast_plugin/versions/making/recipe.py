"""`Recipe`: what is made of a version's rows. Options, manifests, tags and the table in the guide are made from it."""

from __future__ import annotations

import dataclasses
import numbers
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from feast_plugin.versions.inputs.split import FORMS, SplitRule
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.grids import GRIDS, Grids
from resampler.methods.catalog import ALIASES, METHODS
from resampler.methods.clean import CLEANERS
from resampler.methods.parameters import MISSING, NO_DANGER, Missing, NoDanger, Parameters
from resampler.methods.quota import SUBGROUPS
from resampler.microaggregation import GROUP_SIZE, LEAST, check_group_size
from resampler.options import COLUMN, FLAG, RATIO, RECALL, SEED, Rule, check_options, count, one_of, option
from resampler.relations import RELATIONS, Relations
from resampler.search_rule import FIRST as FIRST_SEARCH
from resampler.search_rule import LATEST, RULES
from resampler.secret import SecretKey, draw_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feast_plugin.versions.files.manifest import Manifest

ALGORITHM = 4  # raised when equal recipes begin to give other rows; by 4 rows are shuffled, and their times drawn
SENSE = 3  # nulls and grids are data: by earlier ones a row with a null is no parent, and values lie anywhere
WITHIN = 2  # of subgroups that are balanced within themselves: by algorithm 1 they grow in proportion
FIRST = 1
BEFORE_SENSE = {"missing": "complete", "grid": "off"}  # what algorithms 1 and 2 do
ON_DEMAND = ("computed", "interpolated")
IF_REACHED = ("refuse", "publish")  # where every class has the ratio already
RETAINED = {"full": None, "sample": 1_000, "recipe": 0}  # synthetic rows that are stored; None is all
FORGOT = "forgot_in_version"  # a manifest's parameter: the version that this one replaces


def _check_split(_name: str, value: object) -> SplitRule:
    return value if isinstance(value, SplitRule) else SplitRule.parse(str(value))


SPLIT = Rule(str, _check_split, FORMS.replace(" | ", "; "))


def _check_shrinkage(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= float(value) < float("inf"):
        raise InvalidInputError(f"{name} must be a number of 0 or more, got {value!r}")
    return float(value)


SECRET_KEY = Rule(str, lambda _name, value: SecretKey.of(value), "an environment variable or a file")
SHRINKAGE = Rule(float, _check_shrinkage, "a number of 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is made of a version's rows, checked as far as it can be before they are known.

    Parameters
    ----------
    ratio, if_reached, seed, split, sampler, k_neighbors, missing, grid, relations, on_demand, clean, undersample, \
    group_by, subgroups, no_danger, shrinkage, exclude_noisy, retain, secret_key, group_size, small_groups, release, \
    recall
        As in `feast_plugin.create_snapshot`. What is None there is chosen when the contract is known
        (`feast_plugin.versions.making.training.resolve`).
    algorithm : int
        By which the rows are made: today's, unless a version of an earlier one is made again.
    search : str
        The rule by which cleaning seeks neighbours (`resampler.search_rule`): likewise.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule.
    """

    ratio: float = option(0.2, RATIO, "Minority : majority in training afterwards.")
    if_reached: str = option(
        "refuse",
        one_of(IF_REACHED),
        "Where every class has the ratio already: refuse with exit 3, or publish the rows with no synthetic one.",
    )
    seed: int = option(0, SEED, "What every random draw is keyed on.")
    split: SplitRule | None = option(
        None, SPLIT, "How rows are split; by default time:0.7,0.15,0.15, or stratified where rows have no time."
    )
    sampler: str | None = option(
        None,
        one_of(METHODS, former=ALIASES),
        "How synthetic rows are made; by default smote, or smotenc for categorical features.",
    )
    k_neighbors: int = option(5, count(1), "Neighbours of its class that a row may be joined with.")
    missing: Missing = option(
        "inherit",
        one_of(MISSING),
        "Rows with nulls: parents too, whose nulls their synthetic rows inherit; no parents; or refused.",
    )
    grid: Grids = option(
        "auto",
        one_of(GRIDS),
        "Put synthetic values on the steps and within the bounds that the real values of a column keep, or do not.",
    )
    relations: Relations = option(
        "report",
        one_of(RELATIONS),
        "Features that are copies, multiples or sums of others in all training rows: name them, or keep it so in "
        "synthetic rows, too, which grid auto is needed for.",
    )
    on_demand: str | None = option(
        None,
        one_of(ON_DEMAND),
        "On-demand features of synthetic rows: by default computed from their inputs by their transformation, as "
        "serving does; with missing complete and grid off interpolated, as earlier releases did.",
    )
    clean: str | None = option(None, one_of(CLEANERS), "Then take out of training what stands where the classes meet.")
    undersample: float | None = option(
        None, RATIO, "First drop training rows of larger classes until smallest : larger is this."
    )
    group_by: str | None = option(None, COLUMN, "Join key or feature: join only rows that agree in it.")
    subgroups: str = option(
        "within",
        one_of(SUBGROUPS),
        "With group_by: balance each subgroup within itself, or let it grow in proportion to its rows.",
    )
    no_danger: NoDanger = option(
        "plain",
        one_of(NO_DANGER),
        "Where no row of a class is in danger: make the plain method's rows and warn, or fail.",
    )
    shrinkage: float | None = option(
        None, SHRINKAGE, "With sampler random: width of the noise about a row, in multiples of Silverman's."
    )
    exclude_noisy: bool = option(
        False, FLAG, "Keep rows with none of their own class near from being parents (finding noise)."
    )
    retain: str = option(
        "full", one_of(RETAINED), "Synthetic rows to store: all, the first 1,000, or none; rebuild makes them again."
    )
    secret_key: SecretKey | None = option(
        None,
        SECRET_KEY,
        "Environment variable or file that holds a secret: mixed into every draw of synthetic rows, so that the seed "
        "tells nothing of them.",
    )
    group_size: int = option(
        GROUP_SIZE, count(LEAST), "With sampler hardened: real rows of a group at least, 10 or more."
    )
    small_groups: bool = option(
        False, FLAG, "With sampler hardened: consent to groups of 5 to 9 rows, which say more about each of them."
    )
    release: bool = option(
        False,
        FLAG,
        "With sampler hardened: publish the training split alone, with synthetic rows in place of the real ones of all "
        "classes but the largest, so that it can be passed on.",
    )
    recall: float | None = option(
        None,
        RECALL,
        "Share of the true neighbours that a search has to find, in a sample of the rows; by default all. The manifest "
        "has what was found.",
    )
    algorithm: int = ALGORITHM
    search: str = LATEST

    def __post_init__(self) -> None:
        check_options(self)
        self._check_hardened()
        if self.shrinkage is not None and self.sampler != "random":
            raise InvalidInputError(f"shrinkage goes with sampler 'random', got sampler {self.sampler!r}")
        if self.relations == "keep" and self.grid == "off":
            raise InvalidInputError("relations 'keep' goes with grid 'auto', got grid 'off': whole numbers would part")
        if self.recall is not None and not self.seeks:
            raise InvalidInputError(f"recall goes with samplers that seek neighbours, got sampler {self.sampler!r}")
        if self.algorithm not in range(FIRST, ALGORITHM + 1):
            raise InvalidInputError(f"algorithm must be {FIRST} to {ALGORITHM}, got {self.algorithm!r}")
        if self.search not in RULES:
            raise InvalidInputError(f"search must be one of {tuple(RULES)}, got {self.search!r}")

    def _check_hardened(self) -> None:
        """Check what goes with hardened rows, and with them alone."""
        asked = {"group_size": GROUP_SIZE, "small_groups": False, "release": False}
        if not self.hardens:
            for name, default in asked.items():
                if getattr(self, name) != default:
                    raise InvalidInputError(f"{name} goes with sampler 'hardened', got sampler {self.sampler!r}")
            return
        check_group_size(self.group_size, small_groups=self.small_groups)
        if self.secret_key is None:
            raise InvalidInputError(
                "sampler 'hardened' needs a secret key, for with a known seed the statistics of groups can be found: "
                "give secret_key (--secret-key ENV|FILE), made with `openssl rand -hex 32`"
            )
        if self.clean is not None or self.exclude_noisy:
            raise InvalidInputError(
                "sampler 'hardened' goes without clean and exclude_noisy: what they take out depends on single rows"
            )
        if self.release:
            for name, only in (("group_by", None), ("if_reached", "refuse"), ("retain", "full")):
                if getattr(self, name) != only:
                    said = "no group_by" if only is None else f"{name} {only!r}"
                    raise InvalidInputError(f"release goes with {said}, got {getattr(self, name)!r}")

    @property
    def hardens(self) -> bool:
        """Whether synthetic rows are made from groups of rows, and what is published comes from no fewer."""
        return self.sampler is not None and METHODS[self.sampler].hardens

    @property
    def seeks(self) -> bool:
        """Whether the method seeks neighbours; one that is still to be chosen does."""
        return self.sampler is None or METHODS[self.sampler].joins or METHODS[self.sampler].looks_around

    @property
    def methods(self) -> Parameters:
        """What the method is asked for."""
        return Parameters(
            self.k_neighbors,
            no_danger=self.no_danger,
            shrinkage=self.shrinkage,
            missing=self.missing,
            group_size=self.group_size,
            small_groups=self.small_groups,
        )

    @property
    def draw_seed(self) -> int:
        """What the draws of synthetic rows are keyed on; splits and what is left out are keyed on the seed alone."""
        return draw_seed(self.seed, self.secret_key)

    @property
    def apart(self) -> bool:
        """Whether neither place nor time of a synthetic row says which base it has."""
        return self.algorithm >= ALGORITHM

    @property
    def cleaner(self) -> str | None:
        """What cleans the training split: what was asked for, or what belongs to the method."""
        return self.clean or (None if self.sampler is None else METHODS[self.sampler].clean)

    @property
    def within(self) -> bool:
        """Whether there are subgroups that are balanced within themselves."""
        return self.group_by is not None and self.subgroups == "within"

    @property
    def column(self) -> str | None:
        """The column that the split is decided by, if one is."""
        return None if self.split is None else self.split.column

    @property
    def computes(self) -> bool:
        """Whether on-demand features of synthetic rows are computed by their transformation."""
        return self.on_demand == "computed"

    @property
    def on_demand_by_default(self) -> str:
        """What becomes of on-demand features where nothing was asked for."""
        earlier = {name: getattr(self, name) for name in BEFORE_SENSE} == BEFORE_SENSE
        return "interpolated" if earlier else "computed"

    def exactly(self, ratio: float) -> float | Decimal:
        """Return a ratio as counts are multiplied by it.

        Parameters
        ----------
        ratio : float
            As it was asked for.

        Returns
        -------
        float or decimal.Decimal
            The decimal number that was written, so that 0.29 of 100 is 29; by algorithms before 3 the binary fraction,
            which gives 28.
        """
        return Decimal(repr(ratio)) if self.parameters["algorithm"] >= SENSE else ratio

    @property
    def parameters(self) -> dict[str, Any]:
        """What a manifest keeps as `parameters`, and its tags say: all that decides the rows but seed and ratio."""
        chosen = {name: getattr(self, name) for name in ("clean", "group_by", "undersample", "shrinkage", "recall")}
        chosen["subgroups"] = self.subgroups if self.within else None
        asks = self.sampler is not None and METHODS[self.sampler].needs_danger
        chosen["relations"] = None if self.relations == "report" else self.relations
        chosen["no_danger"] = self.no_danger if asks and self.no_danger != "plain" else None
        chosen["exclude_noisy"] = self.exclude_noisy or None
        chosen["search"] = self.search if self.cleaner is not None and self.search != FIRST_SEARCH else None
        chosen["if_reached"] = None if self.if_reached == "refuse" else self.if_reached
        chosen |= {"group_size": self.group_size if self.hardens else None, "release": self.release or None}
        chosen["small_groups"] = self.small_groups or None
        chosen["secret_key"] = None if self.secret_key is None else self.secret_key.fingerprint
        sense = {name: getattr(self, name) for name in BEFORE_SENSE}
        if self.algorithm < ALGORITHM and sense == BEFORE_SENSE:
            sense = {}  # equal recipes of earlier releases keep their digests
        if self.computes or (sense and self.on_demand is not None):
            sense["on_demand"] = self.on_demand
        earlier = SENSE if sense else WITHIN if self.within else FIRST
        return {
            "algorithm": self.algorithm if self.algorithm >= ALGORITHM else earlier,
            "k_neighbors": self.k_neighbors,
            "sampler": self.sampler,
            "split": str(self.split),
        } | {name: value for name, value in (chosen | sense).items() if value is not None}

    @classmethod
    def of(cls, manifest: Manifest, keys: Sequence[SecretKey] = ()) -> Recipe:
        """Read what a version was made by, to make its rows again.

        Parameters
        ----------
        manifest : Manifest
            Of the version.
        keys : sequence of SecretKey
            Among them the one that it was made with, if it was made with one.

        Returns
        -------
        Recipe
            Whose `parameters` are the manifest's.

        Raises
        ------
        InvalidInputError
            If the key that it was made with is not among `keys`.
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
        key = key_of(manifest, keys)
        parameters.pop("secret_key", None)
        before = {"subgroups": "proportional", "search": FIRST_SEARCH} | BEFORE_SENSE
        known = before | parameters  # what earlier algorithms had no name for
        return cls(seed=manifest.seed, ratio=manifest.ratio, retain=manifest.retain, secret_key=key, **known)


def keys_given(given: SecretKey | str | Sequence[SecretKey | str] | None) -> list[SecretKey]:
    """Read the keys that a caller gives to make versions again.

    Parameters
    ----------
    given : SecretKey, str or sequence of these, optional
        Keys, or where they are read from.

    Returns
    -------
    list of SecretKey
        As many as were given.

    Raises
    ------
    InvalidInputError
        As `resampler.secret.SecretKey.of`.
    """
    several = [given] if given is None or isinstance(given, SecretKey | str) else given
    return [key for one in several if (key := SecretKey.of(one)) is not None]


def key_of(manifest: Manifest, keys: Sequence[SecretKey]) -> SecretKey | None:
    """Find the key that a version was made with.

    Parameters
    ----------
    manifest : Manifest
        Of the version.
    keys : sequence of SecretKey
        Those at hand.

    Returns
    -------
    SecretKey or None
        None if it was made without one.

    Raises
    ------
    InvalidInputError
        If it is not among them.
    """
    fingerprint = manifest.parameters.get("secret_key")
    if fingerprint is None:
        return None
    for key in keys:
        if key.fingerprint == fingerprint:
            return key
    got = f", got {', '.join(key.fingerprint for key in keys)}: give that one" if keys else ": give it"
    raise InvalidInputError(
        f"{manifest.name} version {manifest.version} was made with the secret key {fingerprint}{got} (--secret-key "
        "ENV|FILE, secret_key=)"
    )
