"""`EngineSettings`: which engine work runs on, and what its workers may have."""

from __future__ import annotations

from dataclasses import dataclass

from resampler.budget import SIZE
from resampler.options import check_options, count, one_of, option, text

NAMES = ("inline", "processes", "ray", "spark", "dask")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Which engine work runs on. It decides no byte of what comes of it.

    Parameters
    ----------
    engine : str, optional
        One of `NAMES`.
    engine_address : str, optional
        Of a cluster that is there; by default workers are started on this machine.
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
        None, text("the address of a cluster"), "Of a cluster; by default workers are started on this machine."
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
