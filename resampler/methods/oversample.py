"""Synthetic rows of the classes of a table: the one loop that makes them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.errors import DataError, InfeasibleError, InvalidInputError
from resampler.methods.catalog import METHODS, Method, resolve
from resampler.methods.harden import hardened, no_groups
from resampler.methods.kept import from_arrays, from_grown, to_arrays, to_grown
from resampler.methods.missing import without_nulls
from resampler.methods.order import shuffled
from resampler.methods.parameters import Parameters
from resampler.methods.place import draws, elect_donors
from resampler.methods.plan import Plan, draw
from resampler.methods.provenance import Draws, Provenance, join
from resampler.methods.quota import SUBGROUPS, Part, parts_of
from resampler.methods.table import Search, Table, dense_rows
from resampler.methods.task import Task
from resampler.notices import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Once = Callable[[str, Callable[[], dict[str, NDArray[Any]]]], dict[str, NDArray[Any]]]

PLAIN_ROWS = "the plain method's rows were made"


class ShortfallWarning(UserWarning):
    """Warn that fewer synthetic rows were made than asked for, or others, and why."""


class Grown(NamedTuple):
    """What was made of one class, or of one class of a subgroup.

    Parameters
    ----------
    part : Part
        Which, and how many rows of it.
    bases : ndarray of shape (n_bases,), int64
        Positions of its bases in the table.
    penalty : ndarray of shape (n_features,), float64, or None
        What a differing category counted.
    plain : bool
        Whether no row was in danger, so that the plain method's rows were made.
    """

    part: Part
    bases: NDArray[np.int64]
    penalty: NDArray[np.float64] | None
    plain: bool


class Outcome(NamedTuple):
    """What over-sampling a table gave.

    Parameters
    ----------
    provenance : Provenance
        Row by row: classes in the order in which they were asked for, within one subgroup after subgroup, or shuffled.
    grown : tuple of Grown
        Part by part.
    """

    provenance: Provenance
    grown: tuple[Grown, ...]


def oversample(
    table: Table,
    method: str | Method,
    wanted: Mapping[Any, int],
    *,
    seed: int,
    parameters: Parameters | None = None,
    search: Search | None = None,
    subgroups: str = "within",
    names: Mapping[Any, Any] | None = None,
    strict: bool = True,
    shuffle: bool = False,
    once: Once | None = None,
) -> Outcome:
    """Say where the synthetic rows of some classes come from; `resampler.methods.place.build` makes them.

    Copy r of base b is keyed by (seed, class, row id of b, r). Bases take turns in a seeded order, so the first rows of
    a longer request are those of a shorter one, and rows whose neighbours did not change give the same copies after
    others arrived.

    Parameters
    ----------
    table : Table
        The rows. Those of other classes matter only where the method looks around.
    method : str or Method
        A key of `resampler.methods.catalog.METHODS`, or a method.
    wanted : dict
        Synthetic rows to make of each class.
    seed : int
        From 0 to 2**64 - 1; of a secret key `resampler.secret.draw_seed`.
    parameters : Parameters, optional
        By default ``Parameters()``.
    search : Search, optional
        By default exact.
    subgroups : {"within", "proportional"}
        Whether each subgroup of ``table.groups`` is balanced within itself, or grows in proportion to its rows of the
        class. Rows of two subgroups are never joined.
    names : dict, optional
        What a class is called, and keyed by, where that is not its label in the table.
    strict : bool
        Raise where a subgroup has too few rows; else warn, and make the rows of the others.
    shuffle : bool
        Put the rows of each class in an order that does not tell which share a base (`resampler.methods.order`): the
        first rows of a longer request are then others than those of a shorter one. Hardened rows always are.
    once : callable, optional
        Called as ``once(name, make)`` for each class: returns the arrays that ``make()`` gives, or those that it gave
        an earlier run of the same table and parameters. Hardened rows are made anew, as all are where not `strict`.

    Returns
    -------
    Outcome
        As many rows as were asked for, unless a subgroup was left out.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule, a class or subgroup has too few rows, a value is further from 0 than distances
        can be measured, or there are nulls that the parameters or the method refuse (`resampler.methods.missing`).
    InfeasibleError
        If the data leave the method no bases; where no row is in danger only if ``no_danger`` is ``error``.

    Examples
    --------
    >>> X = np.arange(12.0).reshape(6, 2)
    >>> made = oversample(Table(X, np.array([0, 0, 0, 0, 1, 1])), "random", {1: 2}, seed=0).provenance
    >>> sorted(made.base.tolist())
    [4, 5]
    """
    rule = METHODS[resolve(method)] if isinstance(method, str) else method
    if subgroups not in SUBGROUPS:
        raise InvalidInputError(f"subgroups must be one of {SUBGROUPS}, got {subgroups!r}")
    for label, n in wanted.items():
        if not isinstance(n, int | np.integer) or n < 0:
            raise InvalidInputError(f"wanted must be 0 or more synthetic rows of each class, got {n!r} of {label!r}")
    parameters, search = parameters or Parameters(), search or Search()
    if rule.categories == "none" and _count(table.categorical):
        raise InvalidInputError(
            f"method {method!r} takes numeric columns only, got {_count(table.categorical)} categorical ones: use "
            "smotenc, or leave them out"
        )
    parents = without_nulls(table, parameters.missing, str(method), takes_nulls=rule.nulls)
    if parents is not None:
        table = table.take(parents)._replace(around=table.around or (table.y, table.groups))
    for label, n in wanted.items():
        if n and not (table.y == label).any():
            why = f"there is no row of {Part(label, n).name}"
            if parents is not None:
                remedy = "use missing='inherit', or leave out" if rule.nulls else "leave out"
                why += f" without a null, and missing='complete' takes no others: {remedy} the columns that are null"
            raise DataError(f"0 of {n} synthetic rows could be made: {why}")
    if rule.hardens:  # wide integers are counted from the least of all rows, not of a part
        table = table._replace(X=dense_rows(table.X, table.names, table.units))
    if rule.space is not None and table.space is None:
        table = table._replace(space=rule.space(table))
    total = sum(wanted.values())
    parts = parts_of(table.y, wanted, table.groups if subgroups == "within" else None, names, table.around)
    mask = np.ones(table.X.shape[1], dtype=np.bool_) if rule.categories == "all" else table.categorical
    place = rule.place if parameters.shrinkage is None or rule.moved is None else rule.moved
    made = [_nothing(table, _columns(mask), place)]
    if rule.hardens:
        made = [no_groups(made[0], table)]
    grown: list[Grown] = []

    def grow(part: Part) -> None:
        """Make the rows of a part.

        Parameters
        ----------
        part : Part
            Of this table.
        """
        rows = table if part.rows is None else _rows_of(table, part)
        task = Task(rows, part, parameters, search, part.n_synthetic / total, seed)
        try:
            if rule.hardens:
                made.append(hardened(task, _nothing(rows, _columns(mask), place)))
                grown.append(Grown(part, part.place(task.members), task.penalty, plain=False))
                return
            plan, plain = _plan(task, rule)
        except InvalidInputError as error:
            if part.rows is None or strict:
                raise
            _warn(part, f"made 0 of {part.n_synthetic} synthetic rows: {error}")  # the others get theirs
            return
        made.append(_drawn(task, plan, rule, _columns(mask), place))
        grown.append(Grown(part, part.place(plan.bases), task.penalty, plain))

    if once is None or rule.hardens or not strict:
        for part in parts:
            grow(part)
    else:
        for _, of in itertools.groupby(parts, key=lambda part: part.label):
            _grow_once(once, list(of), grow, made, grown, seed)
    rows_made = join(made)
    if shuffle or rule.hardens:
        rows_made = shuffled(rows_made, _identities(table, rows_made), seed, names)
    outcome = Outcome(rows_made, tuple(grown))
    return outcome if parents is None else _at(parents, outcome)


def _grow_once(
    once: Once, parts: list[Part], grow: Callable[[Part], None], made: list[Provenance], grown: list[Grown], seed: int
) -> None:
    """Make the rows of one class, or take those that were made; the lists hold them then."""
    n_made, n_grown = len(made), len(grown)

    def make() -> dict[str, NDArray[Any]]:
        for part in parts:
            grow(part)
        new = grown[n_grown:]
        found = to_arrays(join(made[n_made:])) | from_grown([one.bases for one in new], [one.penalty for one in new])
        return found | {"grown.plain": np.array([one.plain for one in new])}

    kept = once(f"making synthetic rows of {parts[0]._replace(rows=None).name}", make)
    if len(grown) == n_grown:  # an earlier run made them
        made.append(from_arrays(kept, made[0], seed))
        of_parts = zip(parts, to_grown(kept), kept["grown.plain"].tolist(), strict=True)
        grown.extend(Grown(part, bases, penalty, plain) for part, (bases, penalty), plain in of_parts)


def _identities(table: Table, made: Provenance) -> NDArray[np.int64]:
    """Return the identity of each row's base: the table's, or its place within its class."""
    if made.groups is not None:
        return made.groups.id[made.base]
    if table.row_ids is not None:
        return table.row_ids[made.base]
    _, code_of = np.unique(table.y, return_inverse=True)
    order = np.argsort(code_of, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    sizes = np.bincount(code_of)
    place[order] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return place[made.base]


def _at(rows: NDArray[np.int64], outcome: Outcome) -> Outcome:
    """Return an outcome of some rows of a table by their positions in the table."""
    made = outcome.provenance
    if made.stand_in is None:
        made = made._replace(base=rows[made.base], neighbor=rows[made.neighbor], donor=rows[made.donor])
    else:
        made = made._replace(stand_in=rows[made.stand_in], donor=rows[made.donor])
    return Outcome(made, tuple(one._replace(bases=rows[one.bases]) for one in outcome.grown))


def _rows_of(table: Table, part: Part) -> Table:
    """Return the rows of a subgroup, as if there were no others."""
    around = table.around
    if around is not None and around[1] is not None:
        around = around[0][around[1] == part.group], None
    return table.take(part.rows)._replace(groups=None, around=around)  # type: ignore[arg-type]


def _count(mask: NDArray[np.bool_] | None) -> int:
    return 0 if mask is None else int(np.count_nonzero(mask))


def _plan(task: Task, rule: Method) -> tuple[Plan, bool]:
    """Return a part's plan, by positions in its own rows, and whether it is the plain method's."""
    chosen, plain = rule.select(task), False
    if rule.needs_danger and not len(chosen.bases):
        plain = True
        why = (
            f"no row of {task.part.name} is in danger, that is among neighbours of other classes: use smote, or ask "
            "for more neighbours"
        )
        if task.parameters.no_danger == "error":
            raise InfeasibleError(f"0 of {task.part.n_synthetic} synthetic rows could be made: {why}")
        _warn(task.part, f"{PLAIN_ROWS}: {why}")
        chosen = METHODS["smote"].select(task)
    pairing = (METHODS["smote"].pair if plain else rule.pair)(task, chosen)
    donors = None
    if rule.categories == "all":
        voters = np.concatenate([chosen.bases[:, None], pairing.neighbors], axis=1)
        donors = elect_donors(task.table.X, chosen.bases, voters, np.ones(task.table.X.shape[1]))
    elif task.penalty is not None:
        donors = elect_donors(task.table.X, chosen.bases, pairing.neighbors, task.penalty)
    row_ids = task.row_ids(chosen.bases)
    return Plan(chosen.bases, row_ids, pairing.neighbors, chosen.weights, pairing.span, donors), plain


def _nothing(table: Table, categorical: NDArray[np.int64], place: str) -> Provenance:
    """Return the provenance of no rows."""
    none = np.empty(0, dtype=np.int64)
    parents = none, none, none.astype(np.float32), none.reshape(0, len(categorical))
    return Provenance(table.y[:0], *parents, categorical, place, None, table.grids, table.relations)


def _drawn(task: Task, plan: Plan, rule: Method, categorical: NDArray[np.int64], place: str) -> Provenance:
    """Draw the parents of one part's rows."""
    part, n = task.part, task.part.n_synthetic
    parents = draw(plan, n, task.seed, part.stream)
    donors = np.empty((len(plan.bases), 0), dtype=np.int64) if plan.donors is None else part.place(plan.donors)
    drawn = None
    if draws(place) or (task.table.grids is not None and not rule.even):
        keys = plan.row_ids[parents.turn], parents.copy, np.full(n, part.stream)
        width = np.empty(0) if rule.width is None else rule.width(task)
        drawn = Draws(*keys, np.zeros(n, dtype=np.int64), width[None, :], task.seed)
    return Provenance(
        np.full(n, part.label, dtype=task.table.y.dtype),
        part.place(parents.base),
        part.place(parents.neighbor),
        parents.step,
        donors[parents.turn],
        categorical,
        place,
        drawn,
        task.table.grids,
        task.table.relations,
    )


def _columns(mask: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64) if mask is None else np.flatnonzero(mask)


def _warn(part: Part, why: str) -> None:
    warn(f"{part.name}: {why}", ShortfallWarning)
