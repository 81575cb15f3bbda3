"""`EngineSettings`: which engine work runs on, and what its workers may have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from resampler.address import without_secrets
from resampler.budget import SIZE
from resampler.errors import InvalidInputError
from resampler.options import check_options, count, one_of, option, text

NAMES = ("inline", "processes", "ray", "spark", "dask")
# The engines that have addresses: what these look like, and the same for people.
ADDRESSES = {
    "ray": (r"auto|(ray://)?[^/\s]+:\d+(\?\S*)?", "host:6379, ray://host:10001 or auto"),
    "spark": (
        r"(spark|k8s|sc)://\S+|yarn|local(\[(\d+|\*)(,\d+)?\])?",
        "spark://host:7077, k8s://https://host:443, yarn or sc://host:15002",
    ),
    "dask": (r"((tcp|tls|ucx|ws|wss)://)?[^/\s]+:\d+", "tcp://host:8786 or tls://host:8786"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Which engine work runs on. It decides no byte of what comes of it.

    Parameters
    ----------
    engine : str, optional
        One of `NAMES`.
    engine_address : str, optional
        Of a cluster that is there (`ADDRESSES`); by default the one that this process is connected with, and where
        there is none, workers that are started on this machine.
    workers : int, optional
        By default one a core, or what the cluster has.
    worker_memory : int, optional
        Bytes that a worker may take: a task that would take more is refused before it is begun.
    workplace : str, optional
        A directory that all workers see.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule.

    Examples
    --------
    >>> EngineSettings(engine="processes", workers=2, worker_memory="2GiB").worker_memory
    2147483648
    """

    engine: str | None = option(
        None,
        one_of(NAMES),
        "Where the work runs; it decides no byte. By default inline; for what is large Ray where it is installed, "
        "else processes.",
    )
    engine_address: str | None = option(
        None,
        text("the address of a cluster"),
        "Of a cluster of the engine: host:6379 (Ray), spark://host:7077, tcp://host:8786 (Dask); by default workers "
        "are started on this machine.",
    )
    workers: int | None = option(None, count(1), "How many; by default one a core, or what the cluster has.")
    worker_memory: int | None = option(
        None, SIZE, "Memory of a worker: a task that would take more is refused before it is begun; 512MiB, 4GiB."
    )
    workplace: str | None = option(
        None,
        text("a directory"),
        "Directory that all workers see, for what tasks give one another; by default beside what is made.",
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.engine == "inline" and (self.workers or 1) > 1:
            raise InvalidInputError(
                f"engine inline has one worker, which uses all cores, got workers={self.workers}: leave it out, or "
                "use engine processes"
            )
        if self.engine_address is not None:
            self._check_address(self.engine_address)

    def _check_address(self, address: str) -> None:
        if self.engine not in ADDRESSES:
            raise InvalidInputError(
                f"engine_address is that of a cluster of engine {', '.join(ADDRESSES)}, got engine={self.engine}: name "
                "one of these, or leave engine_address out"
            )
        pattern, shown = ADDRESSES[self.engine]
        if re.fullmatch(pattern, address) is None:
            raise InvalidInputError(
                f"engine_address of engine {self.engine} must be like {shown}, got {without_secrets(address)!r}"
            )
