"""`resample`: a table in Parquet files, or a frame, resampled by parts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.engines.catalog import open_engine
from resampler.engines.settings import EngineSettings
from resampler.engines.workplace import Workplace
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.methods.clean import edited, tomek_links
from resampler.methods.missing import nulls_in
from resampler.methods.oversample import oversample
from resampler.methods.table import Table
from resampler.options import RECALL
from resampler.partitioned.asked import Asked, ask
from resampler.partitioned.extract import extract, mapped
from resampler.partitioned.frames import kind_of, write_frame
from resampler.partitioned.inputs import Source, open_source
from resampler.partitioned.layout import Layout, check_kinds, choose_columns, dtype_of
from resampler.partitioned.matrix import make_matrix, put_together
from resampler.partitioned.publish import check_out, publish
from resampler.partitioned.real import by_unit, real_tasks
from resampler.partitioned.resampled import FORMAT, Resampled
from resampler.partitioned.search import PartedSearch
from resampler.partitioned.settings import MARK
from resampler.partitioned.sizes import check_memory
from resampler.partitioned.survey import survey
from resampler.partitioned.synthetic import Making, synthetic_tasks
from resampler.samplers import TomekLinks
from resampler.samplers.base import keeping, seed_from
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from resampler.engines.task import Result
    from resampler.methods.provenance import Provenance
    from resampler.partitioned.extract import Canonical

RUN_FILE = "run.json"  # of a workplace: what it belongs to
GIVEN = "given"  # in it, what a frame was written to
LOCK = ".lock"


def resample(
    dataset: Any,
    sampler: Any,
    *,
    label: str,
    out: str | Path,
    categorical: Sequence[str] | None = None,
    key: Sequence[str] | str | None = None,
    carried: Sequence[str] = (),
    mark: str = MARK,
    recall: float | None = None,
    engine: EngineSettings | str | None = None,
    resume: bool = True,
) -> Resampled:
    """Resample a table that may exceed memory, by parts, on an engine; the rows are the same on each.

    Parameters
    ----------
    dataset : str, Path, list of these, pyarrow.dataset.Dataset, or a frame of Ray Data, Dask or Spark
        Parquet files, or directories of them; a frame is written to such first, by its own workers.
    sampler : object
        An estimator of `resampler.samplers`: one that over-samples, or `SMOTEENN` or `SMOTETomek`. Without a
        `random_state` the rows are others each time.
    label : str
        Column of the classes.
    out : str or Path
        Directory that gets the rows; it must not be there, or be empty. Real rows are as they were, synthetic ones
        stand in files of their own, with what each was made of.
    categorical : sequence of str, optional
        Features that are categories, where the sampler does not say that itself.
    key : str or sequence of str, optional
        Columns that identify a row: draws are keyed on them. By default a row is what it holds.
    carried : sequence of str
        Columns that are no features: real rows keep them, in synthetic ones they are null, as those of `key` are.
    mark : str
        Column that is added: true in synthetic rows.
    recall : float, optional
        Share of the true neighbours that an approximate search is to find; by default the search is exact.
    engine : EngineSettings or str, optional
        Where the work runs: it decides no byte.
    resume : bool
        Go on behind what an earlier run to the same `out` had finished; else begin anew.

    Returns
    -------
    Resampled
        What is in `out`. If that was made of the same inputs before, it is left as it is.

    Raises
    ------
    InvalidInputError
        If an argument breaks its rule, `out` holds something else, or another run is at work on it.
    DataError
        If the rows leave the method nothing to work on.

    Notes
    -----
    Rows are read a row group at a time. Those of the classes that grow, or of all classes where the method looks around
    or cleans, are put aside in one order, by hashes of what they hold: so the rows that come of it depend on no order,
    no file and no row group of the input. The driver holds no table, but about 50 bytes for each row that is put aside
    or made. Whatever is unfinished stands beside `out`, under its name and ``.unfinished``, or in the engine's
    workplace.
    """
    settings = engine if isinstance(engine, EngineSettings) else EngineSettings(engine=engine)
    target = Path(out).expanduser().absolute()
    if "://" in str(out):
        raise InvalidInputError(f"out must be a directory that is mounted, got {str(out)!r}: copy it from there")
    folder = _folder(target, settings.workplace)
    names = tuple(dict.fromkeys([key] if isinstance(key, str) else key or ()))
    if recall is not None:
        recall = RECALL.check("recall", recall)
    kind = kind_of(dataset)

    begin = partial(_Run, sampler, label, names, tuple(carried), mark, recall, categorical)
    if kind is None:  # else it has no name by which its rows are known again
        run, done = begin(open_source(dataset)), Resampled.read(target)
        if done is not None:
            if done.said["key"] == run.token():
                return done
            raise InvalidInputError(
                f"out {str(target)!r} was made of other inputs, or with other parameters: give another directory"
            )
    check_out(target)
    if kind is None:
        check_memory(run.source.width, settings.worker_memory)
    with _held(folder, target):
        if kind is not None:
            _empty(folder)
            run = begin(open_source(write_frame(dataset, kind, folder / GIVEN)))
            check_memory(run.source.width, settings.worker_memory)
        seed = _belongs(folder, run, resume=resume)
        with open_engine(settings, run.source.n_rows) as workers:
            workplace = Workplace(folder, workers)
            try:
                said = run.make(workplace, seed) | {"key": run.token()}
            except InvalidInputError:  # the same inputs are refused again, whatever is finished
                workplace.remove()
                raise
            said = publish(folder, target, run.real, run.synthetic, said)
            workplace.remove()
    return Resampled(target, said, kind)


@contextlib.contextmanager
def _held(folder: Path, target: Path) -> Iterator[None]:
    """Hold a workplace against other runs; leave none of it where nothing was begun."""
    try:
        with Location.parse(folder).locked(0):
            try:
                yield
            finally:
                if folder.exists() and not any(one.name != LOCK for one in folder.iterdir()):
                    shutil.rmtree(folder, ignore_errors=True)
    except TimeoutError as error:
        raise InvalidInputError(
            f"another run is at work on {str(target)!r}: wait until it ends, or give another out"
        ) from error


def _folder(target: Path, workplace: str | None) -> Path:
    """Return the workplace of a run: beside what it makes, or one of several in a directory that all workers see."""
    if workplace is None:
        return target.with_name(f"{target.name}.unfinished")
    return Path(workplace).absolute() / f"{target.name}-{hashlib.sha256(str(target).encode()).hexdigest()[:8]}"


def _belongs(folder: Path, run: _Run, *, resume: bool) -> int:
    """Say whose a workplace is, or go on with that of the same inputs; return the seed."""
    file, token = folder / RUN_FILE, run.token()
    try:
        known = json.loads(file.read_text())
        if resume and known["key"] == token:
            return int(known["seed"])
        if resume:
            raise InvalidInputError(
                f"{folder} holds a run that was not finished, of other inputs or parameters, or of files that have "
                "changed since: remove it, or begin anew with resume=False (--no-resume)"
            )
    except FileNotFoundError:
        others = [one.name for one in folder.iterdir() if one.name not in (LOCK, GIVEN)]
        if others:
            raise InvalidInputError(
                f"workplace {folder} holds something else, {others[0]}: give an empty one"
            ) from None
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise CorruptStateError(f"{file} cannot be read: {error}: remove {folder}") from error
    _empty(folder, but=(GIVEN,))
    near = file.with_suffix(".new")
    near.write_text(json.dumps({"key": token, "seed": run.seed}))
    near.replace(file)
    return run.seed


def _empty(folder: Path, but: tuple[str, ...] = ()) -> None:
    """Remove what a run left, but for the lock that is held."""
    for one in folder.iterdir():
        if one.name not in (LOCK, *but):
            shutil.rmtree(one) if one.is_dir() else one.unlink()


class _Run:
    """One run: what it was given, and its steps."""

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
            raise InvalidInputError(f"label must be one of the columns {source.schema.names}, got {label!r}")
        features, key = choose_columns(source.schema, label, key, carried)
        self.asked: Asked = ask(sampler, source.schema, features, categorical)
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
        counts, ranges = survey(workplace, source.units, self.layout.label, counted)
        labels, wanted = list(counts), asked.wanted(counts)
        read = list(range(len(labels))) if asked.reads_all else [labels.index(one) for one, n in wanted.items() if n]
        layout = self.layout
        if not asked.copies:
            layout = replace(layout, **dtype_of(source.schema, layout.numeric, ranges))
        canonical, found, vocabularies = extract(workplace, source, layout, labels, read)
        matrix = None
        if not asked.copies and canonical.n_rows:
            matrix = make_matrix(workplace, canonical, layout, vocabularies, asked.missing)
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
        )
        removed = gone = None
        if asked.cleaner is not None:
            removed, stays = self._clean(workplace, canonical, making, made, search, labels)
            gone = by_unit(canonical, found, removed)
            made = made.take(stays)
        real = real_tasks(workplace, source.units, layout, self.mark, gone)
        synthetic = synthetic_tasks(workplace, "synthetic", made, making)
        results = workplace.run([*real, *synthetic], "writing rows")  # at once, so that no worker waits for the others
        self.real, self.synthetic = results[: len(real)], results[len(real) :]
        return self._said(workplace, seed, labels, counts, made, removed, canonical, search)

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
        X = np.empty((len(y), 0), dtype=np.float32) if matrix is None else mapped(matrix / "matrix.npy")
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

    def _clean(
        self,
        workplace: Workplace,
        canonical: Canonical,
        making: Making,
        made: Provenance,
        search: PartedSearch,
        labels: list[Any],
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return places of the real rows that go, and of the synthetic ones that stay."""
        parts = workplace.run(synthetic_tasks(workplace, "over", made, making, numbers=True), "making synthetic rows")
        assert making.matrix is not None  # noqa: S101 - no copies are cleaned
        rows = mapped(
            put_together(workplace, "all", [making.matrix, *(one.folder for one in parts)], ["matrix"]) / "matrix.npy"
        )
        y = np.concatenate([canonical.array("y"), made.label])
        cleaner = self.asked.cleaner
        at = np.arange(len(rows))
        nulls = nulls_in(rows) if cleaner.missing == "complete" else None
        if nulls is not None:
            at = np.flatnonzero(~nulls.any(axis=1))
            rows = rows[at]
        held = y[at]

        def nearest(queries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
            return search.find(Table(rows, held), rows, queries, k, "cleaning", None, np.arange(len(rows)))

        chosen = _cleaned_classes(cleaner, labels, y)
        if isinstance(cleaner, TomekLinks):
            linked = tomek_links(nearest, held)
            removed = linked[np.isin(held[linked], chosen)]
        else:
            k = int(cleaner.n_neighbors)
            if len(rows) <= k:
                raise InvalidInputError(f"n_neighbors={k} needs at least {k + 1} rows, got {len(rows)}: lower it")
            asked = np.flatnonzero(np.isin(held, chosen))
            removed = edited(nearest, held, asked, k, vote=cleaner.kind_sel == "mode")
        stays = np.ones(len(y), dtype=np.bool_)
        stays[at[removed]] = False
        n = canonical.n_rows
        return np.flatnonzero(~stays[:n]), np.flatnonzero(stays[n:])

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


def _cleaned_classes(cleaner: Any, labels: list[Any], y: NDArray[np.int64]) -> NDArray[np.int64]:
    from imblearn.utils import check_sampling_strategy

    strategy = cleaner.sampling_strategy
    if isinstance(strategy, list):
        strategy = [labels.index(one) for one in strategy]
    try:
        found = check_sampling_strategy(strategy, y, "clean-sampling")
    except ValueError as error:
        raise InvalidInputError(str(error)) from error
    return np.array(list(found), dtype=np.int64)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | bool | None | list | dict) else repr(value)


def _sum(results: Sequence[Result]) -> str:
    return f"{sum(int(one.data['digest'], 16) for one in results) % 2**64:016x}"
