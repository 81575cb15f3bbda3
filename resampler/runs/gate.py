"""The gate on files: what a version knows of their rows, what they are compared with, what the ledger keeps."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from resampler.address import without_secrets
from resampler.errors import DataError, InvalidInputError
from resampler.ledger import FOLDER, Ledger, Run, key_of, now
from resampler.monitoring.predictions import Counts
from resampler.quality.gate.answer import Answer, ask
from resampler.quality.gate.baseline import Baseline
from resampler.quality.gate.figures import Figure
from resampler.quality.gate.origin import check_flags, check_learned, check_origin, found_in
from resampler.quality.gate.predictions import Predictions
from resampler.quality.gate.rules import GateRules
from resampler.runs.representation import representation_of
from resampler.storage import Location
from resampler.table_file import SUFFIXES, TableFile
from resampler.training_set import TRAIN, open_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resampler.policy import Policy
    from resampler.quality.fairness.representation import Representation
    from resampler.training_set import TrainingSet


class Asked(NamedTuple):
    """What a gate is asked.

    Parameters
    ----------
    predictions : str
        Path or URI of the file.
    policy : Policy or None
        None for the guide's limits.
    version : TrainingSet or None
        What the model learned from.
    place : mapping of str to str or None
        Where other versions are, as `open_version` takes it.
    train, baseline : str or None
        Files of predictions; a baseline may be a version.
    first : bool
        Whether no model is in use yet, so that there is none to be compared with.
    strict : bool
        Whether too few rows are a no; it is kept with the run.
    """

    predictions: str
    policy: Policy | None
    version: TrainingSet | None
    place: Mapping[str, str | None]
    train: str | None
    baseline: str | None
    first: bool
    strict: bool

    @property
    def subject(self) -> str:
        """What the answer is about: the version, or the file."""
        return without_secrets(self.predictions) if self.version is None else str(self.version)


def ask_files(asked: Asked, ledger: Ledger | None) -> tuple[Answer, dict[str, Any]]:
    """Ask a gate, and keep what it says.

    Parameters
    ----------
    asked : Asked
        Files, policy and version.
    ledger : Ledger, optional
        Where the run is kept, and where figures of other versions are.

    Returns
    -------
    answer : Answer
        With notes on what was not asked or cannot be known.
    details : dict
        The same as JSON can hold it, with the digests of what went in.

    Raises
    ------
    InvalidInputError
        If the policy is wrong, or asks for what is not given.
    DataError
        If the predictions cannot be measured.
    """
    started = time.monotonic()
    rules, version = GateRules.of(asked.policy), asked.version
    if asked.first and asked.baseline is not None:
        raise InvalidInputError("give --first or --baseline: the first model has none to be compared with")
    notes = ["no policy sets a limit: these are the guide's"] if rules.is_guide else []
    if asked.first and (rules.baseline is not None or any(one.worse for one in rules.slices.values())):
        alone = {column: one if one.worse is None else replace(one, worse={}) for column, one in rules.slices.items()}
        rules = replace(rules, baseline=None, slices=alone)
        notes.append("this is the first model: what is asked against a baseline is left out")
    files = Files(rules, version)
    read = files.read(asked.predictions, "predictions", slices=tuple(rules.slices))
    check_flags(read)
    files.check_origin(read)
    learned = None if asked.train is None else files.of_training(asked.train)
    compared = _baseline(asked, rules, files, ledger, read)
    made = None if version is None else synthetic_rows(version)
    favoured: dict[str, list[Representation]] = {}
    if version is not None:
        favoured, unknown = representation_of(version, list(rules.slices), read.positive)
        files.notes.extend(unknown)
    answer = ask(read, rules, train=learned, baseline=compared, synthetic=made, representation=favoured)
    answer.notes[:0] = [*notes, *dict.fromkeys(files.notes)]
    if ledger is None:
        answer.notes.append("kept in no ledger: give --ledger or --snapshot")
    policy = None if asked.policy is None else {"source": asked.policy.source, "sha256": asked.policy.digest}
    details = answer.to_dict() | {
        "subject": asked.subject,
        "predictions": {"file": without_secrets(asked.predictions), "sha256": files.digests["predictions"]},
        "policy": policy,
        "baseline": None if compared is None else compared.name,
        "snapshot": None if version is None else {"version": version.version, "digest": version.digest},
        "strict": asked.strict,
    }
    if (counts := Counts.of(details)) is not None:
        details["counts"] = counts._asdict()  # they stay when figures are forgotten: counters never go back
    if ledger is not None:
        key = key_of(
            policy="" if asked.policy is None else asked.policy.digest,
            files=files.digests,
            first=asked.first,
            snapshot=None if version is None else version.digest,
            baseline=None if compared is None else {name: one.to_dict() for name, one in compared.figures.items()},
        )
        seconds = round(time.monotonic() - started, 3)
        ledger.append(Run("gate", answer.verdict, key, asked.subject, now(), seconds, details))
    return answer, details


class Files:
    """Files of predictions, each opened, hashed and checked in one way.

    Parameters
    ----------
    rules : GateRules
        Say which columns.
    version : TrainingSet, optional
        Whose join keys and event time rows are known by, where the policy names none.

    Attributes
    ----------
    digests : dict of str to str
        By option, the sha256 of its file.
    notes : list of str
        What cannot be known of them.
    """

    def __init__(self, rules: GateRules, version: TrainingSet | None) -> None:
        self.rules, self.version = rules, version
        self.digests: dict[str, str] = {}
        self.notes: list[str] = []
        self._keys = rules.keys or (() if version is None else version.keys)
        at = rules.timestamp or (None if version is None else version.timestamp)
        self._telling = (*self._keys, *(() if at is None else (at,)))

    def read(self, path: str, option: str, slices: tuple[str, ...] = (), *, if_there: bool = False) -> Predictions:
        """Read one of them.

        Parameters
        ----------
        path : str
            Path or URI.
        option : str
            What gave it, for messages.
        slices : tuple of str
            Columns of groups.
        if_there : bool
            Whether these may be missing.

        Returns
        -------
        Predictions
            No row of which stands twice, as far as keys say.
        """
        file = TableFile.open(path, option if option == "predictions" else f"--{option}")
        for name in self.rules.keys:
            file.check(name, "[gate] keys")
        if self.rules.timestamp is not None:
            file.check(self.rules.timestamp, "[gate] timestamp")
        slices = tuple(name for name in slices if name in file.schema.names) if if_there else slices
        classes = None if self.version is None else {one for of in self.version.classes.values() for one in of}
        read = Predictions.read(file, self.rules, keys=self._telling, slices=slices, classes=classes)
        missing = [name for name in self._telling if name not in read.keys.column_names]
        if self._keys and not missing:
            read.check_rows_differ()
        elif self._keys and missing[0] not in self._keys:
            self.notes.append(
                f"{read.where} has no column {missing[0]!r}, so whether rows stand twice or are training rows is not "
                "known"
            )
        self.digests[option] = Location.parse(path).sha256()
        return read

    def check_origin(self, read: Predictions) -> None:
        """Refuse rows of the version's training split.

        Parameters
        ----------
        read : Predictions
            Of rows that a figure is to be taken of.
        """
        if self.version is not None and (rows := self._training_rows(self.version, read)) is not None:
            check_origin(read, rows, self.version.synthetic, self.version.keys, str(self.version))

    def of_training(self, path: str) -> Predictions:
        """Read predictions of training rows, and say which are synthetic.

        Parameters
        ----------
        path : str
            Path or URI.

        Returns
        -------
        Predictions
            By their flag, or by what the version knows.
        """
        read, version = self.read(path, "train"), self.version
        if version is None or (rows := self._training_rows(version, read)) is None:
            return read
        check_learned(read, rows, version.synthetic, str(version))
        made = found_in(read, rows.filter(rows[version.synthetic]), version.keys)
        return replace(read, synthetic=made if read.synthetic is None else made | read.synthetic)

    def _training_rows(self, version: TrainingSet, read: Predictions) -> Any:
        """Return keys, time and kind of the training rows; None where rows have no keys to find them by."""
        if missing := [name for name in version.keys if name not in read.keys.column_names]:
            self.notes.append(
                f"{read.where} has no column {missing[0]!r}, so whether rows of it are synthetic or were learned from "
                f"cannot be looked up in {version}"
            )
            return None
        if TRAIN not in version.files:
            self.notes.append(f"{version} does not store its training split, so rows cannot be looked up there")
            return None
        times = () if version.timestamp is None else (version.timestamp,)
        rows = version.read(TRAIN, [*version.keys, *times, version.synthetic])
        n_stored, n_made = rows[version.synthetic].to_numpy().sum(), synthetic_rows(version)[0]
        if n_stored < n_made:
            self.notes.append(
                f"{version} stores {n_stored:,} of its {n_made:,} synthetic rows: only those are known by keys"
            )
        return rows


def synthetic_rows(version: TrainingSet) -> tuple[int, int]:
    """Count the training rows of a version.

    Parameters
    ----------
    version : TrainingSet
        Whose manifest knows.

    Returns
    -------
    tuple of int
        Synthetic rows, and all.
    """
    counts = version.classes[TRAIN].values()
    made = sum(one["synthetic"] for one in counts)
    return made, made + sum(one["real"] for one in counts)


def _baseline(
    asked: Asked, rules: GateRules, files: Files, ledger: Ledger | None, ours: Predictions
) -> Baseline | None:
    given = asked.baseline
    if given is None and rules.baseline is not None:
        given = rules.baseline.version
    if given is None:
        return None
    if given.partition("?")[0].endswith(SUFFIXES):
        read = files.read(given, "baseline")
        check_flags(read)
        found = Baseline.of("the baseline", read)
        if not rules.slices:
            return found
        if (same := found.aligned(ours)) is not None:  # groups are those of the predictions, and rows are matched once
            return replace(found, predictions=same)
        return replace(found, predictions=files.read(given, "baseline", slices=tuple(rules.slices), if_there=True))
    if asked.version is None and not any(asked.place.values()):
        raise InvalidInputError(
            f"--baseline {without_secrets(given)!r} is no file of {', '.join(SUFFIXES)}, and as a version it needs "
            "--snapshot too"
        )
    other = open_version(given, **asked.place)
    runs = Ledger(other.home / FOLDER) if ledger is None else ledger
    measured = next((run for run in runs.newest("gate") if run.subject == str(other)), None)
    if measured is None:
        raise DataError(
            f"no gate has measured {other}, in {runs.directory.uri}: run one on its predictions, or give --baseline "
            "FILE"
        )
    details = measured.details
    if details["positive"] != ours.positive:
        raise DataError(
            f"{other} was measured for class {details['positive']!r}, and these are predictions of {ours.positive!r}: "
            "compare one class"
        )
    return Baseline(str(other), {name: Figure.from_dict(one) for name, one in details["figures"].items()})
