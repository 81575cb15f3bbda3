"""`OnlineParameters`: what the output of a stream depends on beside the contract and the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from resampler.errors import InvalidInputError
from resampler.kernels.online.window import Policy
from resampler.methods.catalog import ALIASES, METHODS, STREAMED
from resampler.methods.place import draws
from resampler.microaggregation import GROUP_SIZE, check_group_size
from resampler.options import (
    FLAG,
    RATIO,
    SECRET_KEY,
    SEED,
    SHARE,
    by_class,
    check_options,
    count,
    number,
    one_of,
    option,
    options_of,
)
from resampler.secret import SecretKey, draw_seed

if TYPE_CHECKING:
    from collections.abc import Mapping

Strategy = str  # one of `STRATEGIES`
STRATEGIES = STREAMED
FORMER_STRATEGIES = {word: name for word, name in ALIASES.items() if name in STRATEGIES}
Quota = Literal["exact", "poisson"]
Emit = Literal["owed", "arrival", "both"]
# What saved states, checkpoints and `config_hash` call some words, for good: so that streams begun before go on.
SAVED_WORDS = {"strategy": {"smote": "plain", "adasyn": "adaptive"}}
# Parameters that streams begun by earlier releases have not: at these values they are neither saved nor hashed.
LATER: dict[str, Any] = {
    "class_ratio": None,
    "cost": None,
    "emit": "owed",
    "advance": 0.25,
    "growth": None,
    "secret_key": None,
    "group_size": GROUP_SIZE,
    "small_groups": False,
}
MAX_WINDOW = 100_000_000
MAX_COST = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineParameters:
    """The parameters of `resampler.OnlineResampler`, checked: see there.

    Parameters
    ----------
    ratio, k_neighbors, capacity, window, burst, strategy, clean, undersample, quota, emit, advance, warmup,
    seed, secret_key
        As in `resampler.OnlineResampler`.
    growth, class_ratio, cost, group_size, small_groups
        As in `resampler.OnlineResampler`.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule.
    """

    ratio: float = option(0.2, RATIO, "Minority : majority after augmentation.")
    k_neighbors: int = option(
        5,
        count(1),
        "Neighbours that a base may be joined with; --k is its former name.",
        flags=("--k-neighbors", "--k"),
    )
    capacity: int = option(10_000, count(1), "Rows of each class that synthetic rows are made from.")
    window: int = option(10_000, count(1, MAX_WINDOW), "Rows over which the classes' shares are counted.")
    burst: int = option(16, count(1), "Synthetic rows of a class that one row can cause, at most.")
    strategy: Strategy = option(
        "smote",
        one_of(STRATEGIES, former=FORMER_STRATEGIES),
        "How rows are made: from all rows of a class, those in danger, each by its danger, in a ball around each, or "
        "from groups of rows.",
    )
    clean: bool = option(False, FLAG, "Make nothing of rows that have none but other classes around them.")
    undersample: float | None = option(None, RATIO, "Drop majority rows until minority : majority is this.")
    quota: Quota = option("exact", one_of(get_args(Quota)), "Count what a class is owed, or draw it.")
    emit: Emit = option(
        "owed",
        one_of(get_args(Emit)),
        "Behind which rows synthetic ones stand: any, as soon as a class is owed one; a row of the class itself, made "
        "of that row; or both, an advance of what a row stands for at once.",
    )
    advance: float = option(
        0.25,
        SHARE,
        "Under --emit both: of what a row stands for (what its class lacks in the window, over its rows there), the "
        "part that is paid at once.",
    )
    warmup: int = option(0, count(0), "Rows before the first synthetic one.")
    seed: int = option(0, SEED, "What every random draw is keyed on.")
    secret_key: SecretKey | str | None = option(
        None, SECRET_KEY, "Where the secret is read that is mixed into the seed, so that the seed tells nothing."
    )
    group_size: int = option(GROUP_SIZE, count(1), "Under hardened: rows of a group, at least.")
    small_groups: bool = option(False, FLAG, "Consent to groups of 5 to 9 rows, which say more about each of these.")
    growth: float | None = option(
        None,
        number(1.0, MAX_COST),
        "Rows of a class for each real one in the window, at most: a class that is absent there is owed nothing.",
    )
    class_ratio: Mapping[str, float] | None = option(
        None, by_class(RATIO), "A ratio of its own for a class; the others keep --ratio. May be given again."
    )
    cost: Mapping[str, float] | None = option(
        None,
        by_class(number(1.0, MAX_COST)),
        "What a missed row of a class costs, in missed rows of the largest: so many rows for each real one, up to "
        "the ratio. May be given again.",
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.hardens:
            self._check_groups()
        elif (self.group_size, self.small_groups) != (GROUP_SIZE, False):
            raise InvalidInputError(
                f"group_size and small_groups are of the strategy 'hardened' alone, got {self.group_size} and "
                f"{self.small_groups} under {self.strategy!r}: leave them out"
            )
        elif self.capacity <= self.k_neighbors:
            raise InvalidInputError(
                f"capacity must be at least k_neighbors + 1 = {self.k_neighbors + 1}, got {self.capacity}"
            )
        if self.emit != "both" and self.advance != LATER["advance"]:
            raise InvalidInputError(
                f"advance is of emit 'both' alone, got {self.advance:g} under {self.emit!r}: leave it out"
            )

    def _check_groups(self) -> None:
        check_group_size(self.group_size, small_groups=self.small_groups)
        if self.capacity < self.rows_needed:
            raise InvalidInputError(
                f"capacity must be at least that of two groups, {self.rows_needed}, got {self.capacity}"
            )
        if self.clean:
            raise InvalidInputError(
                "clean leaves rows out that are no bases, and under 'hardened' no row is one: leave clean out"
            )

    @property
    def hardens(self) -> bool:
        """Whether rows are made from groups, never from a row."""
        return METHODS[self.strategy].hardens

    @property
    def rows_needed(self) -> int:
        """Rows of a class before synthetic ones are made of it."""
        return rows_needed(self.parameters)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name, keyword arguments of `resampler.OnlineResampler`."""
        return {name: getattr(self, name) for name in PARAMETERS}

    @property
    def draws(self) -> bool:
        """Whether the method's place draws more than a step, so that rows say what keyed their draws."""
        return draws_of(self.strategy)

    def policy(self, *, compare: bool) -> Policy:
        """Return what the plan kernel takes.

        Parameters
        ----------
        compare : bool
            Whether classes are compared with a sample of the other classes.

        Returns
        -------
        Policy
            For `resampler.kernels.online.window.plan`.
        """
        return Policy(
            undersample=self.undersample or 0.0,
            poisson=self.quota == "poisson",
            arrival=self.emit == "arrival",
            ahead=self.emit == "both",
            advance=self.advance,
            compare=compare,
            enough=self.rows_needed,
            capacity=self.capacity,
            burst=self.burst,
            warmup=self.warmup,
            seed=np.uint64(draw_seed(self.seed, SecretKey.of(self.secret_key))),
        )


PARAMETERS = tuple(one.name for one in options_of(OnlineParameters))


def draws_of(strategy: Strategy) -> bool:
    """Say whether a strategy's rows go with what keyed their draws.

    Parameters
    ----------
    strategy : str
        One of `STRATEGIES`.

    Returns
    -------
    bool
        Whether its place draws more than a step; never where rows are made from groups, of which nothing is said.
    """
    return draws(METHODS[strategy].place) and not METHODS[strategy].hardens


def rows_needed(parameters: Mapping[str, Any]) -> int:
    """Return how many rows a class has before synthetic ones are made of it.

    Parameters
    ----------
    parameters : mapping
        Of `OnlineParameters`, in today's words.

    Returns
    -------
    int
        Those of two groups, or a base and its neighbours.
    """
    if METHODS[parameters["strategy"]].hardens:
        return int(2 * parameters["group_size"])
    return int(parameters["k_neighbors"]) + 1


def to_saved(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Put parameters into the words in which they are saved and hashed.

    Parameters
    ----------
    parameters : mapping
        In today's words.

    Returns
    -------
    dict
        Equal for equal output, whatever the release; a secret key is its fingerprint.
    """
    known = {name: value for name, value in parameters.items() if name not in LATER or value != LATER[name]}
    words = {
        name: SAVED_WORDS[name].get(value, value) if name in SAVED_WORDS else value for name, value in known.items()
    }
    return {name: word.fingerprint if isinstance(word, SecretKey) else word for name, word in words.items()}


def from_saved(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Put saved parameters into today's words.

    Parameters
    ----------
    saved : mapping
        What `to_saved` gave, in this release or an earlier one.

    Returns
    -------
    dict
        Parameters of `OnlineParameters`; a word that was never saved is left for its check. A secret key remains the
        fingerprint that is all that was saved of it: whoever has the key puts it there.
    """
    known = dict(saved)
    if known.get("emit") != "both":  # earlier releases took an advance there that did nothing
        known.pop("advance", None)
    today = {name: {old: new for new, old in words.items()} for name, words in SAVED_WORDS.items()}
    return LATER | {name: today[name].get(value, value) if name in today else value for name, value in known.items()}
