"""Synthetic rows for the minority classes of the training split, in the shape of the real ones."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from feast_plugin.notices import notice
from feast_plugin.versions.files.found import found_by
from feast_plugin.versions.making.by_columns import grids_by_parts, spread_by_parts
from feast_plugin.versions.making.estimate import check_augmenting, check_driving
from feast_plugin.versions.making.grids import Known, from_names, learn_grids, named, of_groups
from feast_plugin.versions.making.looked_at import looked_at
from feast_plugin.versions.making.made import filter_by_parts
from feast_plugin.versions.making.nulls import declared, nulls_of_training
from feast_plugin.versions.making.relations import from_plain_data, learn_relations, plain_data
from feast_plugin.versions.making.sizes import check_sizes, say_long
from feast_plugin.versions.making.times import drawn_times, grouped_times
from feast_plugin.versions.making.units import spread
from resampler.errors import DataError
from resampler.methods.catalog import METHODS
from resampler.methods.missing import described
from resampler.methods.oversample import PLAIN_ROWS, ShortfallWarning, oversample
from resampler.methods.quota import wanted
from resampler.methods.table import Search, Table
from resampler.partitioned.search import PartedSearch
from resampler.relations import without_bounds

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from numpy.typing import NDArray

    from feast_plugin.versions.files.parts import Parts
    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.mapped import Mapped
    from resampler.engines.workplace import Workplace
    from resampler.grids import Grids
    from resampler.methods.oversample import Once
    from resampler.methods.parameters import Parameters
    from resampler.methods.provenance import Provenance
    from resampler.relations import Relation, Relations
    from resampler.schema import FeatureSchema


class Augmentation(NamedTuple):
    """What augmenting the training split gave.

    Parameters
    ----------
    table : pyarrow.Table of n_synthetic rows
        Feature columns in contract order.
    parents : Provenance
        Row by row; positions are those of the canonical table, labels as `CanonicalRows.label` codes them.
    schema : FeatureSchema
        The contract with the units of distance that the training split gave.
    incomplete : int
        Minority rows of the training split that are kept, and never a parent: with an infinite feature, or a null where
        nulls are not inherited.
    plain : tuple of str
        Classes, or classes in subgroups, of which no row was in danger, so that the plain method's rows were made.
    grids : dict
        By feature, what values were put on (`feast_plugin.versions.making.grids.named`).
    related : list of dict
        Which features were made to follow from others (`feast_plugin.versions.making.relations.plain_data`).
    noisy : int
        Minority rows that were kept from being parents because none of their own is near.
    drawn_scale : ndarray of float32, optional
        Where features were computed from others: the units of distance of the columns that rows were drawn in.
    times : ndarray of shape (n_synthetic,), int64, optional
        Event timestamps in microseconds since 1970, UTC; None where rows have none.
    lying : Mapped, optional
        The files that `table` is mapped from, where tasks made the rows.
    found : dict
        Where not all neighbours were asked for, by class what was found (`feast_plugin.versions.files.found.found_by`).
    """

    table: pa.Table
    parents: Provenance
    schema: FeatureSchema
    incomplete: int
    plain: tuple[str, ...] = ()
    noisy: int = 0
    grids: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default, never written to
    related: list[dict[str, Any]] = []  # noqa: RUF012 - likewise
    drawn_scale: NDArray[np.float32] | None = None
    times: NDArray[np.int64] | None = None
    lying: Mapped | None = None
    found: dict[str, dict[str, Any]] = {}  # noqa: RUF012 - likewise

    def keep(self, chosen: NDArray[np.bool_], place: Workplace | None = None) -> Augmentation:
        """Leave synthetic rows out.

        Parameters
        ----------
        chosen : ndarray of shape (n_synthetic,), bool
            Those that stay.
        place : Workplace, optional
            Where the rows lie, if tasks made them.

        Returns
        -------
        Augmentation
            Without the others.
        """
        times = None if self.times is None else self.times[chosen]
        made = self._replace(parents=self.parents.take(chosen), times=times)
        if place is None or self.lying is None:
            return made._replace(table=self.table.filter(pa.array(chosen)))
        lying = filter_by_parts(place, "kept", self.lying, chosen)
        return made._replace(table=lying.table(), lying=lying)


def augment(
    rows: CanonicalRows,
    train: NDArray[np.bool_],
    contract: Contract,
    *,
    ratio: float | Decimal,
    sampler: str,
    seed: int,
    parameters: Parameters,
    group_by: str | None = None,
    subgroups: str = "within",
    scale: NDArray[np.float32] | None = None,
    grid: Grids = "off",
    grids: dict[str, Any] | None = None,
    relations: Relations = "report",
    related: list[dict[str, Any]] | None = None,
    barred: NDArray[np.bool_] | None = None,
    apart: bool = True,
    instead: bool = False,
    parts: Parts | None = None,
    place: Workplace | None = None,
    recall: float | None = None,
) -> Augmentation:
    """Make the synthetic rows of the training split.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table; what is not in the training split is never read.
    train : ndarray of shape (n_rows,), bool
        The training split.
    contract : Contract
        Its columns.
    ratio : float or decimal.Decimal
        See `resampler.methods.quota.wanted`.
    sampler : str
        A key of `resampler.methods.catalog.METHODS`.
    seed : int
        Keys every draw; of a secret key `resampler.secret.draw_seed`.
    parameters : Parameters
        Of the method.
    group_by : str, optional
        Join key or feature: only rows that agree in it are joined.
    subgroups : {"within", "proportional"}
        Whether each subgroup is balanced within itself, or grows in proportion to its rows.
    scale : ndarray of shape (n_features,), float32, optional
        Unit of distance of each column, by default fitted on the training split.
    grid : {"auto", "off"}
        Whether values are put on the grids of their columns.
    grids : dict, optional
        These, by feature; by default learned from the training split.
    relations : {"report", "keep"}
        Whether features follow from others as in all rows of the training split.
    related : list of dict, optional
        Which do (`feast_plugin.versions.making.relations.plain_data`); by default they are sought.
    barred : ndarray of shape (n_rows,), bool, optional
        Rows that are neither parents nor neighbours, though their class counts them.
    apart : bool
        Whether the rows of a class are shuffled, and their timestamps drawn; else they come as bases take turns, each
        at the time of its base, as they did before algorithm 4.
    instead : bool
        Whether synthetic rows are to stand in place of the real ones: of every class but the largest, as many as the
        ratio asks for, and no fewer than the class has.
    parts : Parts, optional
        Takes the rows of each class, or has them; by default they are made, and not kept.
    place : Workplace, optional
        Whose engine makes them by parts; by default this process makes them.
    recall : float, optional
        Share of the true neighbours that searches have to find; by default all.

    Returns
    -------
    Augmentation
        Classes in ascending order.

    Raises
    ------
    InvalidInputError, GateError
        As `wanted`.
    DataError
        If a class that needs rows, or a subgroup of it, has too few that may be parents, the method finds no bases, or
        there are nulls that are refused.

    Notes
    -----
    Memory grows with the rows of the classes that need synthetic rows; with a method that looks at what surrounds
    them, with the training split.
    """
    lacking = _lacking(rows.label[train], ratio, instead=instead)
    contract = contract.measured(rows.table)
    schema = contract.feature_schema(rows.classes)
    if scale is None:
        scale = spread(rows, train, contract) if place is None else spread_by_parts(place, rows, train, contract)
    schema = schema.with_scale(scale)
    nulls = nulls_of_training(rows, train, contract)
    if parameters.missing == "refuse" and nulls.any():
        raise DataError(described(nulls, int(np.count_nonzero(train)), schema.names))
    on: Known | None = None
    if grid == "auto":
        group_size = parameters.group_size if METHODS[sampler].hardens else None
        on = _learn(rows, train, contract, place, group_size) if grids is None else from_names(grids, contract)
    schema = declared(schema, nulls if parameters.missing == "inherit" else nulls[:0], on or ())
    follow: list[Relation] = []
    if relations == "keep":
        known = None if related is None else from_plain_data(related, schema.names)
        follow = learn_relations(rows, train, contract) if known is None else known
        on = without_bounds(on, follow)
    seen = _asked(rows, train, lacking, sampler, barred)
    if parts is not None and place is not None:
        check_driving(parts.meter, len(seen), sum(lacking.values()))
    elif parts is not None:
        k = max(parameters.k_neighbors, parameters.m_neighbors if METHODS[sampler].needs_danger else 0)
        check_augmenting(parts.meter, len(seen), contract.width, sum(lacking.values()), k)
    looked = looked_at(rows, seen, contract, parameters.missing, place)
    matrix, parental = looked.matrix, looked.parental
    incomplete = int(np.count_nonzero(~parental & np.isin(rows.label[seen], list(lacking))))
    _say_incomplete(sampler, incomplete)
    seen = seen[parental]
    groups = None if group_by is None else _groups(group_by, rows, train)
    names = {code: rows.classes.classes[code] if rows.classes.classes else code for code in lacking}
    mask = schema.categorical_mask
    table = Table(
        matrix,
        rows.label[seen],
        row_ids=rows.row_id[seen],
        categorical=mask if mask.any() else None,
        units=np.where(mask, 1.0, schema.scale),
        names=schema.names,
        groups=None if groups is None else groups[seen],
        around=(rows.label[train], None if groups is None else groups[train]),
        grids=on,
        relations=tuple(follow),
    )
    left_out = bool(incomplete) and parameters.missing == "complete"
    more = _more_parents(sampler, incomplete=left_out, barred=barred is not None)
    check_sizes(table, lacking, names, sampler, parameters, group_by, subgroups, more)
    search = Search(least_recall=recall) if place is None else PartedSearch(place, least_recall=recall)
    once: Once | None = None
    if place is None and parts is not None and parts.keeps:  # on an engine tasks are kept
        once = parts.arrays if recall is None else _with_recall(parts.arrays, search)
    if recall is None and METHODS[sampler].joins:
        say_long(table, lacking, names, around=METHODS[sampler].looks_around)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShortfallWarning)  # it is said below, as every notice of a snapshot is
        made, grown = oversample(
            table,
            sampler,
            lacking,
            seed=seed,
            parameters=parameters,
            subgroups=subgroups,
            names=names,
            shuffle=apart,
            search=search,
            once=once,
        )
    plain = tuple(one.part.name for one in grown if one.plain)
    _say_plain(plain)
    numbers = looked.made(made)
    parents = _in_canonical(made, seen)
    return Augmentation(
        table=numbers if isinstance(numbers, pa.Table) else numbers.table(),
        parents=parents,
        schema=schema,
        incomplete=incomplete,
        plain=plain,
        grids={} if on is None else named(on, contract),
        related=plain_data(follow, schema.names),
        noisy=0 if barred is None else int(np.count_nonzero(barred)),
        times=_times(rows, train, parents, seed if apart else None, names, parameters.group_size),
        lying=None if isinstance(numbers, pa.Table) else numbers,
        found={} if recall is None else found_by(search, names),
    )


def _lacking(labels: NDArray[np.int64], ratio: float | Decimal, *, instead: bool) -> dict[int, int]:
    """Count the rows that each class is to get."""
    codes, sizes = np.unique(labels, return_counts=True)
    lacking = dict(sorted(wanted(dict(zip(codes.tolist(), sizes.tolist(), strict=True)), ratio).items()))
    if instead:
        largest = codes[np.argmax(sizes)]
        held = {int(code): int(size) for code, size in zip(codes, sizes, strict=True) if code != largest}
        lacking = {code: size + lacking.get(code, 0) for code, size in held.items()}
    return lacking


def _asked(
    rows: CanonicalRows,
    train: NDArray[np.bool_],
    lacking: dict[int, int],
    sampler: str,
    barred: NDArray[np.bool_] | None,
) -> NDArray[np.int64]:
    """Name the rows that the method reads: of the classes that grow, or of all where it looks at what is around."""
    seen = np.flatnonzero(train if METHODS[sampler].looks_around else train & np.isin(rows.label, list(lacking)))
    return seen if barred is None else seen[~barred[seen]]


def _say_incomplete(sampler: str, incomplete: int) -> None:
    if incomplete and not METHODS[sampler].nulls:
        notice(
            f"sampler {sampler!r} measures whole rows: {incomplete:,} minority rows with nulls are no parents, and no "
            "synthetic row has a null: use smote, which takes them"
        )


def _say_plain(plain: tuple[str, ...]) -> None:
    if plain:
        notice(
            f"no row of {', '.join(plain)} is in danger, that is among neighbours of other classes: {PLAIN_ROWS}; use "
            "smote, or --no-danger error to refuse"
        )


def _learn(
    rows: CanonicalRows,
    train: NDArray[np.bool_],
    contract: Contract,
    place: Workplace | None,
    group_size: int | None,
) -> Known:
    """Learn the grids of the training split; those of groups of its rows, where rows are made from such."""
    on = learn_grids(rows, train, contract) if place is None else grids_by_parts(place, rows, train, contract)
    return on if group_size is None else of_groups(on, rows, train, contract, group_size)


def _more_parents(sampler: str, *, incomplete: bool, barred: bool) -> str:
    """Say what lets rows be parents that were left out: as incomplete, or barred."""
    more = ""
    if incomplete:
        more = ", use missing inherit" if METHODS[sampler].nulls else ", use smote, which takes nulls"
    return f"{more}, leave exclude_noisy out" if barred else more


def _in_canonical(made: Provenance, seen: NDArray[np.int64]) -> Provenance:
    """Return parents by their positions in the canonical table."""
    if made.stand_in is None:
        return made._replace(base=seen[made.base], neighbor=seen[made.neighbor], donor=seen[made.donor])
    return made._replace(stand_in=seen[made.stand_in], donor=seen[made.donor])


def _with_recall(once: Once, search: Search) -> Once:
    """Keep beside the rows of a class how well its neighbours were found."""

    def kept(name: str, make: Callable[[], dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
        def made() -> dict[str, NDArray[Any]]:
            before = set(search.recall)
            arrays = make()
            rows = [
                (key[0] if isinstance(key, tuple) else key, share, *search.intervals.get(key, (np.nan, np.nan)))
                for key, share in search.recall.items()
                if key not in before
            ]
            return arrays | {"recall": np.array(rows, dtype=np.float64).reshape(-1, 4)}

        arrays = once(name, made)
        for label, share, low, high in arrays["recall"].tolist():
            search.keep(int(label), share, None if np.isnan(low) else (low, high), exact=search.least_recall == 1)
        return arrays

    return kept


def _times(
    rows: CanonicalRows,
    train: NDArray[np.bool_],
    parents: Provenance,
    seed: int | None,
    names: dict[int, Any],
    group_size: int,
) -> NDArray[np.int64] | None:
    """Return the rows' timestamps: drawn, or without a seed their bases'."""
    if rows.timestamps is None:
        return None
    if seed is None:
        return rows.timestamps[parents.base]
    real = rows.timestamps[train], rows.label[train]
    if parents.groups is not None:
        return grouped_times(*real, parents.label, seed, names, group_size)
    return drawn_times(*real, parents.label, seed, names)


def _groups(column: str, rows: CanonicalRows, train: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the subgroup of each row of the training split, and anything of the others."""
    values = rows.take([column], np.flatnonzero(train))[column]
    if pa.types.is_list(values.type) or values.null_count:
        raise DataError(
            f"group_by must name a column of single values without null, got {column!r}: {values.type} with "
            f"{values.null_count} nulls: group by another"
        )
    found = values.combine_chunks().to_numpy(zero_copy_only=False)
    found = found if found.dtype.kind in "iufb" else found.astype(str)
    groups = np.zeros(len(train), dtype=found.dtype)
    groups[train] = found
    return groups
