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

from resampler.budget import BudgetError
from resampler.engines.catalog import open_engine
from resampler.engines.settings import EngineSettings
from resampler.engines.workplace import Workplace
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.options import RECALL
from resampler.partitioned.frames import kind_of, write_frame
from resampler.partitioned.inputs import open_source
from resampler.partitioned.publish import check_out, publish
from resampler.partitioned.resampled import Resampled
from resampler.partitioned.settings import MARK
from resampler.partitioned.steps import Run
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np, pyarrow as pa, pyarrow.parquet as pq
    >>> from resampler.samplers import SMOTE
    >>> home, a = pathlib.Path(tempfile.mkdtemp()), np.random.default_rng(0).normal(size=60)
    >>> pq.write_table(pa.table({"a": a, "y": np.repeat([0, 1], [45, 15])}), home / "rows.parquet")
    >>> resample(home / "rows.parquet", SMOTE(random_state=0), label="y", out=home / "out").counts["1"]
    {'real': 15, 'synthetic': 30, 'removed': 0}
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

    begin = partial(Run, sampler, label, names, tuple(carried), mark, recall, categorical)
    if kind is None:  # else it has no name by which its rows are known again
        run, done = begin(open_source(dataset)), Resampled.read(target)
        if done is not None:
            if done.said["key"] == run.token():
                return replace(done, was_there=True)
            raise InvalidInputError(
                f"out {str(target)!r} was made of other inputs, or with other parameters: give another directory"
            )
    check_out(target)
    with _held(folder, target):
        if kind is not None:
            _empty(folder)
            run = begin(open_source(write_frame(dataset, kind, folder / GIVEN)))
        seed = _belongs(folder, run, resume=resume)
        with open_engine(settings, run.source.n_rows) as workers:
            workplace = Workplace(folder, workers)
            try:
                said = run.make(workplace, seed) | {"key": run.token()}
            except BudgetError:  # the next run has larger workers, and goes on; but for frames, which begin anew
                if kind is not None or not workplace.cpu_seconds:
                    workplace.remove()
                raise
            except InvalidInputError:  # the same inputs are refused again, whatever is finished
                workplace.remove()
                raise
            said = publish(folder, target, run.real, run.synthetic, said)
            workplace.remove()
    return Resampled(target, said, kind)


@contextlib.contextmanager
def _held(folder: Path, target: Path) -> Iterator[None]:
    """Hold a workplace against other runs; leave none of it where nothing was finished."""
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(Location.parse(folder).locked(0))
        except TimeoutError as error:
            raise InvalidInputError(
                f"another run is at work on {str(target)!r}: wait until it ends, or give another out"
            ) from error
        except OSError as error:
            raise InvalidInputError(
                f"{str(folder)!r}, where unfinished parts stand, cannot be written ({error.strerror}): give another "
                "out, or a workplace that can be"
            ) from error
        try:
            yield
        finally:
            if folder.exists() and not any(one.name not in (LOCK, RUN_FILE, GIVEN) for one in folder.iterdir()):
                shutil.rmtree(folder, ignore_errors=True)


def _folder(target: Path, workplace: str | None) -> Path:
    """Return the workplace of a run: beside what it makes, or one of several in a directory that all workers see."""
    if workplace is None:
        return target.with_name(f"{target.name}.unfinished")
    return Path(workplace).absolute() / f"{target.name}-{hashlib.sha256(str(target).encode()).hexdigest()[:8]}"


def _belongs(folder: Path, run: Run, *, resume: bool) -> int:
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
