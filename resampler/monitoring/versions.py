"""`VersionReader`: the newest version of a snapshot as samples, its manifest read once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from resampler.monitoring.sample import Sample
from resampler.training_set import TRAIN, open_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from resampler.storage import Location
    from resampler.training_set import TrainingSet

SAME = 0  # in place of a number: the version that was the newest at the last look
PLAIN = "smote"  # the method of a version whose manifest names none


class VersionReader:
    """The newest version of a snapshot, whose manifest never changes.

    Parameters
    ----------
    snapshot : str
        Its name.
    home : Location
        Its directory.
    place : mapping of str to str or None
        Where it is kept, as `open_version` takes it.
    """

    def __init__(self, snapshot: str, home: Location, place: Mapping[str, str | None]) -> None:
        self.snapshot, self.home, self._place = snapshot, home, place
        self._number: int | None = None
        self._samples: list[Sample] = []

    def samples(self, number: int | None) -> list[Sample]:
        """Say what the manifest says.

        Parameters
        ----------
        number : int or None
            Of the newest version; None where there is none, `SAME` where it cannot be looked up.

        Returns
        -------
        list of Sample
            Empty where there is no version.

        Raises
        ------
        ResamplerError
            If the version cannot be read.
        OSError
            If its files do not answer.
        """
        if number not in (self._number, SAME):
            version = None if number is None else open_version(f"{self.snapshot}:{number}", **self._place)
            self._samples = [] if version is None else list(_of(version))
            self._number = number
        return self._samples


def _of(version: TrainingSet) -> Iterator[Sample]:
    name = version.name
    yield Sample("resampler_snapshot_version", (name,), version.version)
    created = datetime.fromisoformat(version.created).timestamp()
    yield Sample("resampler_snapshot_created_timestamp_seconds", (name,), created)
    method, seed = version.parameters.get("sampler") or PLAIN, version.parameters["seed"]
    said = (str(version.version), version.digest, str(method), str(seed), version.schema.hash)
    yield Sample("resampler_snapshot_info", (name, *said), 1.0)
    for split, classes in version.classes.items():
        for label, counts in classes.items():
            for origin, rows in counts.items():
                yield Sample("resampler_snapshot_rows", (name, split, label, origin), rows)
    training = {label: sum(counts.values()) for label, counts in version.classes[TRAIN].items()}
    for label, rows in training.items():
        yield Sample("resampler_snapshot_ratio", (name, label), rows / max(1, *training.values()))
    yield Sample("resampler_snapshot_target_ratio", (name,), float(version.parameters["ratio"]))  # type: ignore[arg-type]
