"""`Run`: the steps from a table to parts of real and synthetic rows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.engines.arrays import mapped
from resampler.errors import InvalidInputError, absent_column
from resampler.methods.oversample import oversample
from resampler.methods.table import Table
from resampler.partitioned.asked import Asked, ask
from resampler.partitioned.cleaned import clean
from resampler.partitioned.extract import extract, extract_bytes
from resampler.partitioned.layout import Layout, check_kinds, choose_columns, dtype_of
from resampler.partitioned.matrix import encode_bytes, make_matrix
from resampler.partitioned.real import by_unit, real_bytes, real_tasks
from resampler.partitioned.resampled import FORMAT
from resampler.partitioned.search import PartedSearch
from resampler.partitioned.survey import survey
from resampler.partitioned.synthetic import Making, synthetic_bytes, synthetic_tasks
from resampler.samplers.base import keeping, seed_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from resampler.engines.task import Result
    from resampler.engines.workplace import Workplace
    from resampler.methods.provenance import Provenance
    from resampler.partitioned.extract import Canonical
    from resampler.partitioned.inputs import Source


class Run:
    """One run: what it was given, and its steps.

    Parameters
    ----------
    sampler, label, key, carried, mark, recall, categorical
        As in `resampler.partitioned.resample`.
    source : Source
        The table.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule, or does not go with the table.
    """

    def __init__(
        self,
        sampler: Any,
        label: str,
        key: tuple[str, ...],
        carried: tuple[str, ...],
        mark: str,
        recall: float | None,
        categorical: Sequence[str] | None,
        source: Source,
    ) -> None:
        self.source, self.mark, self.recall = source, mark, recall
        if mark in source.schema.names:
            raise InvalidInputError(f"mark {mark!r} is a column of the table: give another name")
        if label not in source.schema.names:
            raise absent_column("label", label, "the table has", source.schema.names)
        features, key = choose_columns(source.schema, label, key, carried)
        self.asked: Asked = ask(sampler, source.schema, features, categorical)
        if recall is not None and self.asked.copies:
            raise InvalidInputError(
                f"recall={recall:g} goes with methods that look for neighbours, which {type(sampler).__name__} does "
                "not: leave it out"
            )
        self.layout = Layout(
            source.schema,
            label,
            features,
            tuple(features) if self.asked.copies else self.asked.categorical,
            key,
            self.asked.nulls_are_categories,
        )
        if self.asked.copies:  # whatever they hold
            self.layout = replace(self.layout, categorical=())
        else:
            check_kinds(self.layout)
        self.given = sampler
        self.seed = seed_from(self.asked.sampler.random_state)
        self.real: list[Result] = []
        self.synthetic: list[Result] = []

    def token(self) -> str:
        """Return the sha256 of all that decides a byte."""
        layout, sampler = self.layout, self.asked.sampler
        parameters = {name: repr(value) for name, value in sorted(self.given.get_params(deep=True).items())}
        if sampler.secret_key is not None:
            from resampler.secret import SecretKey

            parameters["secret_key"] = getattr(SecretKey.of(sampler.secret_key), "fingerprint", "")
        said = {
            "format": FORMAT,
            "files": self.source.key,
            "sampler": type(self.given).__name__,
            "parameters": parameters,
            "label": layout.label,
            "features": layout.features,
            "categorical": layout.categorical,
            "key": layout.key,
            "mark": self.mark,
            "recall": self.recall,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def make(self, workplace: Workplace, seed: int) -> dict[str, Any]:
        """Take all steps but the last.

        Parameters
        ----------
        workplace : Workplace
            Of this run.
        seed : int
            That it was begun with.

        Returns
        -------
        dict
            What is to be said of the rows.
        """
        source, asked = self.source, self.asked
        asked.sampler.random_state = seed
        counted = () if asked.copies else self.layout.counted
        workplace.check({"real": real_bytes(source)})  # the one stage that is known before rows are counted
        counts, ranges = survey(workplace, source, self.layout.label, counted)
        labels, wanted = list(counts), asked.wanted(counts)
        read = list(range(len(labels))) if asked.reads_all else [labels.index(one) for one, n in wanted.items() if n]
        layout = self.layout
        if not asked.copies:
            layout = replace(layout, **dtype_of(source.schema, layout.numeric, ranges))
        memory = self._memory(layout, sum(counts[labels[at]] for at in read), sum(wanted.values()))
        workplace.check(memory)
        canonical, found, vocabularies = extract(workplace, source, layout, labels, read, memory["extract"])
        matrix = None
        if not asked.copies and canonical.n_rows:
            matrix, nan = make_matrix(workplace, canonical, layout, vocabularies, asked.refused, memory["encode"])
            layout = replace(layout, nan=nan)
        # Of more rows than memory holds, `auto` is exact: an approximate search needs all of them in one task.
        approximate = getattr(asked.sampler, "neighbors", "exact") == "approximate"
        search = PartedSearch(workplace, "approximate" if approximate else "exact", self.recall)
        made = self._oversample(canonical, layout, matrix, labels, counts, wanted, search)
        making = Making(
            canonical,
            layout,
            tuple(labels),
            vocabularies,
            matrix,
            made.take(np.empty(0, dtype=np.int64)),
            seed,
            self.mark,
            source.width_of(layout.features),
        )
        removed = gone = None
        if asked.cleaner is not None:
            removed, stays = clean(workplace, making, made, search, asked.cleaner)
            gone = by_unit(canonical, found, removed)
            made = made.take(stays)
        real = real_tasks(workplace, source, layout, self.mark, gone)
        synthetic = synthetic_tasks(workplace, "synthetic", made, making)
        results = workplace.run([*real, *synthetic], "writing rows")  # at once, so that no worker waits for the others
        self.real, self.synthetic = results[: len(real)], results[len(real) :]
        return self._said(workplace, seed, labels, counts, made, removed, canonical, search)

    def _memory(self, layout: Layout, n_read: int, n_made: int) -> dict[str, int]:
        """Say what tasks of each stage but the search take, before the first of them."""
        source, width = self.source, self.source.width_of(layout.features)
        of_stage = {"extract": extract_bytes(source, n_read), "real": real_bytes(source)}
        if not self.asked.copies:
            of_stage["encode"] = encode_bytes(layout, n_read, width)
        return of_stage | {"synthetic": synthetic_bytes(layout, n_made, width)}

    def _oversample(
        self,
        canonical: Canonical,
        layout: Layout,
        matrix: Path | None,
        labels: list[Any],
        counts: dict[Any, int],
        wanted: dict[Any, int],
        search: PartedSearch,
    ) -> Provenance:
        y = canonical.array("y")
        X = np.empty((len(y), 0), dtype=np.float32) if matrix is None else mapped(matrix, "matrix")
        every = np.repeat(np.arange(len(labels), dtype=np.min_scalar_type(len(labels))), list(counts.values()))
        table = Table(
            X,
            y,
            canonical.array("ids"),
            layout.mask if layout.categorical and self.asked.method != "smoten" else None,
            names=layout.features if X.shape[1] else (),
            around=(every, None),
        )
        sampler = self.asked.sampler
        if not self.asked.copies:
            given = _Wide([name in layout.least for name in layout.features])
            table = keeping(table, sampler.grid, sampler.relations, given)  # type: ignore[arg-type]
        asked = sampler._asked()
        asked["wanted"] = {labels.index(one): n for one, n in wanted.items()}
        shrinkage = asked["parameters"].shrinkage
        if hasattr(shrinkage, "items"):
            by_code = {labels.index(one): width for one, width in shrinkage.items() if one in labels}
            asked["parameters"] = replace(asked["parameters"], shrinkage=by_code)
        return oversample(table, search=search, names=dict(enumerate(labels)), strict=False, **asked).provenance

    def _said(
        self,
        workplace: Workplace,
        seed: int,
        labels: list[Any],
        counts: dict[Any, int],
        made: Provenance,
        removed: NDArray[np.int64] | None,
        canonical: Canonical,
        search: PartedSearch,
    ) -> dict[str, Any]:
        new = np.bincount(made.label.astype(np.int64), minlength=len(labels))
        gone = np.zeros(len(labels), dtype=np.int64)
        if removed is not None:
            gone = np.bincount(canonical.array("y")[removed], minlength=len(labels))
        classes = {
            str(label): {"real": n - int(gone[at]), "synthetic": int(new[at]), "removed": int(gone[at])}
            for at, (label, n) in enumerate(counts.items())
        }
        sampler, secret = self.given, self.asked.sampler.secret_key
        return {
            "format": FORMAT,
            "sampler": type(sampler).__name__,
            "method": self.asked.method,
            "parameters": {
                name: _plain(value) for name, value in sampler.get_params(deep=False).items() if name != "secret_key"
            },
            "seed": None if secret is not None else seed,
            "label": self.layout.label,
            "features": list(self.layout.features),
            "categorical": list(self.layout.categorical),
            "key_columns": list(self.layout.key),
            "mark": self.mark,
            "classes": classes,
            "recall": {_called(labels, one): share for one, share in search.recall.items()},
            "recall_interval": {_called(labels, one): list(ends) for one, ends in search.intervals.items()},
            "exact": {_called(labels, one): exact for one, exact in search.exact.items()},
            "digest": {"real": _sum(self.real), "synthetic": _sum(self.synthetic)},
            "cost": workplace.cost(),
        }


def _called(labels: list[Any], key: Any) -> str:
    """Return what a search is called: by its class, or by what cleans."""
    return str(labels[key]) if isinstance(key, int | np.integer) else str(key)


class _Wide:
    """Which columns are made in integers, as `resampler.samplers.base.keeping` asks a container."""

    def __init__(self, wide: list[bool]) -> None:
        self._wide = wide

    def is_wide(self, j: int) -> bool:
        return self._wide[j]


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | bool | None | list | dict) else repr(value)


def _sum(results: Sequence[Result]) -> str:
    return f"{sum(int(one.data['digest'], 16) for one in results) % 2**64:016x}"
