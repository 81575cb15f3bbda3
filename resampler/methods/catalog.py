"""`METHODS`: one entry a method, under one name on every surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from resampler.errors import InvalidInputError
from resampler.kernels.places import PLACES, WIDTHS
from resampler.kernels.places import STREAMED as PLACES_STREAMED
from resampler.methods import pair, select, space, width

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from resampler.methods.pair import Pairing
    from resampler.methods.select import Selection
    from resampler.methods.table import Table
    from resampler.methods.task import Task


@dataclass(frozen=True)
class Method:
    """How synthetic rows are made.

    Parameters
    ----------
    summary : str
        One line for people.
    select : callable
        Which rows of the class are bases, and how often (`resampler.methods.select`).
    pair : callable
        Whom they join (`resampler.methods.pair`).
    place : str
        Where the new row lies: a file of `resampler.kernels.places`.
    moved : str, optional
        Where it lies instead where shrinkage is given.
    categories : {"none", "vote", "all", "counts"}
        Whether columns may be categorical: none; some, which take the vote of the base's neighbours; all of them, and
        the base votes too; some or all, drawn from the counts of the base's group.
    space : callable, optional
        Where neighbours are sought, by default among the rows (`resampler.methods.space`).
    weigh : callable, optional
        Weight of a base by how many of its neighbours are of other classes: what a stream goes by. None where a
        stream cannot use the method.
    width : callable, optional
        What the place measures columns by (`resampler.methods.width`).
    clean : {"tomek", "enn"}, optional
        What goes afterwards (`resampler.methods.clean`).
    looks_around : bool
        Whether the rows of other classes matter.
    needs_danger : bool
        Whether it has no bases where no row meets another class; `Parameters.no_danger` says what happens then.
    joins : bool
        Whether a base is joined with others, `k_neighbors` of which its class must have beside it.
    own_class : bool
        Whether these are of its class.
    nulls : bool
        Whether rows with nulls can be measured; `Parameters.missing` says what they are.
    even : bool
        Whether steps run evenly all the way to the neighbour: then the nearest grid value keeps the mean, and else the
        row's draw decides (`resampler.kernels.grids`).
    hardens : bool
        Whether rows are made from what is known of groups of rows (`resampler.methods.harden`), never from a row:
        `select` and `pair` play no part then.

    Raises
    ------
    InvalidInputError
        If there is no such place, it measures columns and no `width` is given, or a stream cannot have it.
    """

    summary: str
    select: Callable[[Task], Selection]
    pair: Callable[[Task, Selection], Pairing] = pair.own_class
    place: str = "segment"
    moved: str | None = None
    categories: Literal["none", "vote", "all", "counts"] = "vote"
    space: Callable[[Table], NDArray[np.floating]] | None = None
    weigh: Callable[[NDArray[np.int64], int], NDArray[np.int64]] | None = None
    width: Callable[[Task], NDArray[np.float64]] | None = None
    clean: str | None = None
    looks_around: bool = False
    needs_danger: bool = False
    joins: bool = True
    own_class: bool = True
    nulls: bool = True
    even: bool = True
    hardens: bool = False

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise InvalidInputError(f"place must be one of {PLACES}, got {self.place!r}")
        number = PLACES.index(self.place)
        if WIDTHS[number] and self.width is None and not self.hardens:  # else groups have their own
            raise InvalidInputError(
                f"place {self.place!r} measures columns: give width, as resampler.methods.width.units"
            )
        if self.weigh is not None and not PLACES_STREAMED[number]:
            raise InvalidInputError(f"place {self.place!r} is of no stream: leave weigh out, or choose another place")


METHODS: dict[str, Method] = {
    "smote": Method(
        "rows between a row and one of its nearest rows of the same class",
        select.every_row,
        categories="none",
        weigh=select.alike,
    ),
    "smotenc": Method("smote, with categories by the vote of the neighbours", select.every_row),
    "smoten": Method(
        "rows of categories alone, by the vote of a row and its neighbours",
        select.every_row,
        pair.still,
        categories="all",
        space=space.value_difference,
        looks_around=True,
    ),
    "borderline": Method(
        "smote from the rows in danger: half or more of their neighbours, not all, are of other classes",
        select.in_danger,
        weigh=select.danger,
        looks_around=True,
        needs_danger=True,
    ),
    "borderline-2": Method(
        "borderline, joined with rows of any class, half the way at most where it is another",
        select.in_danger,
        pair.any_class,
        categories="none",
        looks_around=True,
        needs_danger=True,
        own_class=False,
        even=False,
    ),
    "adasyn": Method(
        "smote from rows that meet other classes, each as often as it has neighbours of these",
        select.by_hardness,
        weigh=select.hardness,
        looks_around=True,
        needs_danger=True,
    ),
    "kmeans": Method(
        "smote inside k-means clusters, more where the class is sparse",
        select.by_cluster,
        pair.own_cluster,
        categories="none",
        looks_around=True,
        nulls=False,
    ),
    "svm": Method(
        "smote from support vectors, away from them where they are in no danger",
        select.by_support_vectors,
        pair.towards_or_away,
        categories="none",
        looks_around=True,
        nulls=False,
        even=False,
    ),
    "random": Method(
        "rows again as they are, or moved a little where shrinkage is given",
        select.every_row,
        pair.itself,
        place="copy",
        moved="smoothed",
        width=width.silverman,
        joins=False,
    ),
    "geometric": Method(
        "rows in the ball around a row that reaches to one of its nearest rows of the same class",
        select.every_row,
        place="ball",
        weigh=select.alike,
        width=width.units,
    ),
    "smoteenn": Method("smote, then edited nearest neighbours", select.every_row, clean="enn"),
    "smotetomek": Method("smote, then Tomek links", select.every_row, clean="tomek"),
    "embedding": Method(
        "smote between rows of the most similar direction, for embeddings",
        select.every_row,
        categories="none",
        space=space.unit_length,
        nulls=False,
    ),
    "hardened": Method(
        "rows about the centroids of groups of ten rows, with noise of the group: none is made of one real row",
        select.every_row,
        place="cloud",
        categories="counts",
        joins=False,
        even=False,
        hardens=True,
    ),
}
# Former names, taken with a warning until the next release, and what they are called now.
ALIASES = {"borderline-1": "borderline", "plain": "smote", "adaptive": "adasyn"}
STREAMED = tuple(name for name, method in METHODS.items() if method.weigh is not None or method.hardens)


def resolve(name: str, *, known: tuple[str, ...] = tuple(METHODS)) -> str:
    """Find a method by its name or by an older one.

    Parameters
    ----------
    name : str
        As a user wrote it.
    known : tuple of str
        Those that may be asked for here.

    Returns
    -------
    str
        A key of `METHODS`.

    Raises
    ------
    InvalidInputError
        If there is none of that name.
    """
    found = ALIASES.get(name, name)
    if found not in known:
        raise InvalidInputError(f"the method must be one of {known}, got {name!r}")
    return found


def fitting(name: str | None, categorical: list[str], numeric: list[str]) -> str:
    """Choose a method for columns, or check one.

    Parameters
    ----------
    name : str, optional
        As a user wrote it; by default smotenc where there are categorical columns, else smote.
    categorical, numeric : list of str
        Names of the columns.

    Returns
    -------
    str
        A key of `METHODS`.

    Raises
    ------
    InvalidInputError
        If there is none of that name, or it does not fit the columns.
    """
    usual = "smotenc" if categorical else "smote"
    if name is None:
        return usual
    found = resolve(name)
    needs = METHODS[found].categories
    if found == "smotenc" and not categorical:
        raise InvalidInputError(f"sampler {name!r} needs categorical features, the contract has none: use {usual!r}")
    if categorical and needs == "none":
        raise InvalidInputError(
            f"sampler {name!r} does not fit the contract's categorical features {categorical}: use {usual!r}"
        )
    if numeric and needs == "all":
        raise InvalidInputError(
            f"sampler {name!r} does not fit the contract's numeric features {numeric}: use {usual!r}"
        )
    return found
