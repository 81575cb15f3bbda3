"""Drift of a version: rows of today against its counts, a decision, and a run of the ledger."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tqdm import tqdm

from resampler.address import without_secrets
from resampler.dtypes import TEXT
from resampler.errors import absent_column
from resampler.ledger import Run, key_of, now
from resampler.profile.cells import Cells
from resampler.profile.files import BATCH_ROWS, RowFiles
from resampler.profile.profile import Profile
from resampler.profile.profiler import Profiler
from resampler.profile.rows import RowCounter
from resampler.profile.sources import Counted, source_of
from resampler.quality.drift.decision import State, decide
from resampler.quality.drift.measure import measure_drift
from resampler.training_set import TRAIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from resampler.ledger import Ledger
    from resampler.quality.drift.settings import DriftPolicy
    from resampler.training_set import TrainingSet

STEP = "drift"
FILES = "against"


@dataclass(frozen=True, slots=True)
class Reference:
    """Counts that later rows are compared with.

    Parameters
    ----------
    version : TrainingSet
        Whose real training rows they are of.
    profile : Profile
        The counts.
    notes : tuple of str
        What has to be known to read what comes of them.
    """

    version: TrainingSet
    profile: Profile
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, version: TrainingSet) -> Reference:
        """Read the counts of a version; count the rows of one that an earlier release made without counts.

        Parameters
        ----------
        version : TrainingSet
            Published.

        Returns
        -------
        Reference
            Its counts.

        Raises
        ------
        CorruptStateError
            If the counts are damaged.
        DataError
            If there are neither counts nor rows.
        """
        if version.profile is not None:
            return cls(version, Profile.from_json(version.profile, f"{version.directory.uri}/profile.json"))
        import pyarrow.compute as pc

        columns = [*version.features, version.label, version.synthetic]
        rows = version.read(TRAIN, columns)
        rows = rows.filter(pc.invert(rows[version.synthetic]))
        categories = {feature.name for feature in version.schema.features if feature.categorical}
        cells = {name: Cells.fitted(rows[name], categorical=name in categories) for name in version.features}
        profiler = Profiler(cells, version.label, version.synthetic)
        profiler.add(TRAIN, rows)
        note = f"{version} was made by a release that kept no counts: its real training rows were counted now"
        return cls(version, profiler.profile(), (note,))

    @property
    def arrays(self) -> frozenset[str]:
        """Features that are arrays."""
        single = {feature.name for feature in self.version.schema.features}
        return frozenset(name for name in self.version.features if name not in single)


@dataclass(frozen=True, slots=True)
class Later:
    """Rows of today, counted.

    Parameters
    ----------
    kind : str
        Where they are from: ``against`` (files), ``stream``, ``feast``.
    where : str
        The files, the stream, the service.
    profile : Profile
        Their counts.
    notes : tuple of str
        What was left out.
    """

    kind: str
    where: str
    profile: Profile
    notes: tuple[str, ...] = ()

    @classmethod
    def of_files(cls, where: str, reference: Reference, policy: DriftPolicy, label: str | None = None) -> Later:
        """Count rows of files.

        Parameters
        ----------
        where : str
            As `RowFiles.open` takes it.
        reference : Reference
            In whose cells they are counted.
        policy : DriftPolicy
            Says which features are left out.
        label : str, optional
            Their column of classes, by default called as in the version, if they have it.

        Returns
        -------
        Later
            Their counts.

        Raises
        ------
        InvalidInputError, DataError
            If they lack a label that is named; as `RowFiles.open` and `RowCounter.add`.
        """
        cells = {name: of for name, of in reference.profile.cells.items() if name not in policy.ignore}
        version = reference.version
        text = [label or version.label] if version.schema.label.column.type.family == TEXT else []
        files = RowFiles.open(where, "--against", cells, text)
        if label is not None and label not in files.names:
            raise absent_column("--label", label, f"{files.where} has", files.names)
        counter = _counter(reference, policy, files.where, label)
        rows = files.rows()
        with tqdm(total=rows, desc="counting", unit="row", unit_scale=True, disable=None) as bar:
            for batch in files.batches(counter.columns(files.names)):
                counter.add(batch)
                bar.update(batch.num_rows)
        return cls(FILES, without_secrets(where), counter.profile(), _left_out(counter))

    @classmethod
    def of_source(
        cls,
        kind: str,
        where: str,
        reference: Reference,
        policy: DriftPolicy,
        label: str | None = None,
        **options: str | int | None,
    ) -> Later:
        """Ask another wing for rows, or for counts of them.

        Parameters
        ----------
        kind : str
            As `resampler.profile.sources.source_of` takes it.
        where : str
            The stream, the service.
        reference : Reference
            In whose cells they are counted.
        policy : DriftPolicy
            Says which features are left out.
        label : str, optional
            As `of_files`; counts have their own.
        **options : str, int or None
            For the source.

        Returns
        -------
        Later
            Their counts.

        Raises
        ------
        MissingExtraError
            If the wing is not installed.
        DataError
            If rows cannot be compared; and what the source raises.
        """
        found = source_of(kind)(where, reference.profile, **options)
        if isinstance(found, Counted):
            return cls(kind, where, found.profile, found.notes)
        counter = _counter(reference, policy, f"--{kind} {where!r}", label)
        for rows in _batches(found):
            counter.add(rows)
        return cls(kind, where, counter.profile(), _left_out(counter))


def _counter(reference: Reference, policy: DriftPolicy, where: str, label: str | None) -> RowCounter:
    version = reference.version
    return RowCounter(
        reference.profile,
        where,
        label=label or version.label,
        synthetic=version.synthetic,
        arrays=reference.arrays,
        ignore=policy.ignore,
    )


def _batches(tables: Iterable[pa.Table]) -> Iterable[pa.Table]:
    for table in tables:
        for start in range(0, table.num_rows, BATCH_ROWS):
            yield table.slice(start, BATCH_ROWS)


def _left_out(counter: RowCounter) -> tuple[str, ...]:
    return (f"{counter.left_out:,} synthetic rows were left out",) if counter.left_out else ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of drift came to.

    Parameters
    ----------
    run : Run
        For the ledger; its details are what `--json` prints.
    again : bool
        The run before had the same inputs: this is what it said.
    notes : tuple of str
        For people.
    """

    run: Run
    again: bool = False
    notes: tuple[str, ...] = ()


def check_drift(
    reference: Reference, later: Later, policy: DriftPolicy, ledger: Ledger | None = None, series: str | None = None
) -> Checked:
    """Compare rows of today with a version, decide, and keep the run.

    Parameters
    ----------
    reference : Reference
        The version's counts.
    later : Later
        Rows of today.
    policy : DriftPolicy
        Limits.
    ledger : Ledger, optional
        Where runs are kept; without one a decision knows none before it.
    series : str, optional
        Runs of the snapshot whose decisions follow one another; by default those of rows from the same kind of place,
        and of the same stream or service.

    Returns
    -------
    Checked
        With the run that was kept. Where the last run of the series had the same inputs it is that one: rows that were
        looked at twice are no second window.

    Raises
    ------
    DataError
        If a side has no rows.
    InvalidInputError
        If the policy names a feature that there is not.
    CorruptStateError
        If the ledger is damaged.
    """
    began = time.perf_counter()
    version = reference.version
    series = series or (later.kind if later.kind == FILES else f"{later.kind} {later.where}")
    counts = hashlib.sha256(later.profile.to_json().encode()).hexdigest()
    key = key_of(step=STEP, reference=version.digest, later=counts, policy=asdict(policy), series=series)
    kept = () if ledger is None else ledger.newest(STEP)
    last = next((run for run in kept if _follows(run, series, version.name)), None)
    notes = (*reference.notes, *later.notes)
    if last is not None and last.key == key:
        return Checked(last, again=True, notes=notes)
    state = State() if last is None else State.from_dict(last.details.get("state", {}))
    measured = measure_drift(reference.profile, later.profile, policy, split=TRAIN)
    notes = (*notes, *_to_be_known(reference, later, measured.by_class))
    decision = decide(state, measured, policy, version.digest)
    details = {
        "outcome": decision.outcome,
        "retrain": decision.retrain,
        "reasons": list(decision.reasons),
        "reference": {"name": version.name, "version": version.version, "digest": version.digest},
        "later": {"kind": later.kind, "where": later.where, "counts": counts},
        "series": series,
        "state": decision.state.to_dict(),
        "policy": asdict(policy),
        "notes": list(notes),
        **measured.to_dict(),
    }
    subject = f"{later.where} against {version}"
    made = Run(STEP, decision.outcome, key, subject, now(), round(time.perf_counter() - began, 3), details)
    if ledger is not None:
        ledger.append(made)
    return Checked(made, notes=notes)


def _follows(run: Run, series: str, snapshot: str) -> bool:
    """Say whether a decision in a series of a snapshot follows a run; a ledger may be kept for several snapshots."""
    said = run.details
    return bool(said.get("series") == series and said.get("reference", {}).get("name") == snapshot)


def _to_be_known(reference: Reference, later: Later, by_class: bool) -> list[str]:
    version, found = reference.version, []
    parts = [part for part in later.profile.parts if part.rows and not part.synthetic]
    labelled = [part.label for part in parts if part.label]
    if not by_class and labelled:
        found.append(f"some rows have no {version.label!r}, so classes were not told apart")
    if version.parameters.get("release"):
        out = [name for name, of in version.classes[TRAIN].items() if not of["real"]]
        found.append(
            f"{version} is a release without the real rows of {', '.join(out)}: nothing is known of their drift, "
            "nor of the mix of classes; compare with the version that you keep"
        )
    if not by_class and any(version.parameters.get(name) for name in ("undersample", "clean", "release")):
        found.append(
            f"{version} left out real training rows of some classes, and rows without {version.label!r} are compared "
            f"with all that it kept: give rows with {version.label!r}"
        )
    known = {part.label for part in reference.profile.parts if part.split == TRAIN}
    if by_class and (new := sorted(set(labelled) - known)):
        more = f" and {len(new) - 5} more" if len(new) > 5 else ""
        found.append(f"classes that the reference does not have: {', '.join(new[:5])}{more}")
    return found
