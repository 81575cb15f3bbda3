"""`Budget`: what a run may spend; `Meter`: what it has spent, and whether the next part of it may begin.

A run is made of parts. It is never ended within one: before each, `Meter` says whether time is up, or whether the part
would need more memory than it may have. What is finished is kept, so that a later run goes on behind it.
"""

from __future__ import annotations

import math
import os
import re
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from resampler.errors import DataError, InvalidInputError, ResamplerError
from resampler.options import DURATION, Rule, check_options, option

try:
    import resource
except ImportError:  # pragma: no cover - Windows, where the peak of memory is not known
    resource = None  # type: ignore[assignment]

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}  # as KiB, MiB, ...; KB and the like are decimal
READ_COPIES = 4.0  # of a table that is read: as it is stored, typed, and as a matrix
_CGROUP = Path("/sys/fs/cgroup")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.ASCII | re.IGNORECASE)


class BudgetError(DataError):
    """Raise when work would need more than it may have; running it again under the same limit changes nothing."""


class StoppedError(ResamplerError):
    """Raise when a run ends before all its parts are finished; the same command goes on behind those that are.

    Parameters
    ----------
    message : str
        Which part was not begun, what is spent, and how to go on.
    limit : str
        Which limit: ``max_seconds``.
    resume : str
        What `--resume` takes.
    cost : dict
        What this run has spent (`Cost.to_dict`).
    """

    exit_code = 4

    def __init__(self, message: str, limit: str, resume: str, cost: dict[str, Any]) -> None:
        super().__init__(message)
        self.limit = limit
        self.resume = resume
        self.cost = cost

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints.

        Returns
        -------
        dict
            Keys stopped, resume, cost.
        """
        return {"stopped": self.limit, "resume": self.resume, "cost": self.cost}


def _check_size(name: str, value: Any) -> int:
    found = _SIZE.fullmatch(str(value).strip())
    size = math.nan
    if found is not None:
        power = UNITS[found[2].upper()]
        decimal = bool(found[2]) and not found[3] and str(value).strip()[-1:] in "bB"
        size = float(found[1]) * (1000 ** (list(UNITS).index(found[2].upper())) if decimal else power)
    if not size >= 1:
        raise InvalidInputError(f"{name} must be a size above 0, such as 512MiB or 4GiB, got {value!r}")
    return int(size)


SIZE = Rule(str, _check_size, "a size: 512MiB, 4GiB")


def in_units(size: float) -> str:
    """Write a size as people read it.

    Parameters
    ----------
    size : float
        In bytes.

    Returns
    -------
    str
        To three digits.
    """
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1000 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:,.{0 if size >= 100 else 1}f} {unit}"
        size /= 1024
    raise AssertionError("the last unit takes all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a run may spend.

    Parameters
    ----------
    max_seconds : float, optional
        Seconds after which no part is begun.
    max_memory : int, optional
        Bytes that the process may take; a part that would take more is refused before it is begun.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule.

    Examples
    --------
    >>> Budget(max_seconds="10m", max_memory="4GiB")
    Budget(max_seconds=600.0, max_memory=4294967296)
    """

    max_seconds: float | None = option(
        None, DURATION, "When to stop, after whole parts: 90s, 10m, 2h; by default never. Exit 4: run it again."
    )
    max_memory: int | None = option(
        None, SIZE, "Memory of the process: a part that would take more is refused before it is begun; 512MiB, 4GiB."
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run has spent.

    Parameters
    ----------
    cpu_seconds : float
        Processor time, of children that have ended too.
    wall_seconds : float
        From begin to end.
    peak_memory_bytes : int or None
        The most that the process, or one child of it, has held in memory since it was started, mapped pages included;
        None where the system does not say.
    read_bytes, written_bytes : int or None
        Asked of the system by calls, whether from a disk, its cache or a pipe; what is read through a map is not
        counted. None where the system does not say.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_memory_bytes: int | None
    read_bytes: int | None
    written_bytes: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it.

        Returns
        -------
        dict
            The fields; seconds to the hundredth.
        """
        found = asdict(self)
        return found | {name: round(found[name], 2) for name in ("cpu_seconds", "wall_seconds")}

    @classmethod
    def total(cls, costs: list[dict[str, Any]]) -> dict[str, Any]:
        """Add up what several runs have spent, such as those that one version took.

        Parameters
        ----------
        costs : list of dict
            From `to_dict`, one or more.

        Returns
        -------
        dict
            Sums, and the highest peak.
        """
        found: dict[str, Any] = {}
        for name in costs[0]:
            known = [one[name] for one in costs if one[name] is not None]
            found[name] = (max(known) if name == "peak_memory_bytes" else round(sum(known), 2)) if known else None
        return found


def in_words(cost: dict[str, Any]) -> str:
    """Write what was spent as people read it.

    Parameters
    ----------
    cost : dict
        From `Cost.to_dict` or `Cost.total`.

    Returns
    -------
    str
        A line; what the system did not say is left out.
    """
    said = [f"{cost['cpu_seconds']:,.1f} s of processor time in {cost['wall_seconds']:,.1f} s"]
    if cost["peak_memory_bytes"] is not None:
        said.append(f"{in_units(cost['peak_memory_bytes'])} of memory at most")
    if cost["read_bytes"] is not None:
        said.append(f"{in_units(cost['read_bytes'])} read, {in_units(cost['written_bytes'])} written")
    if cost.get("runs", 1) > 1:
        said.append(f"in {cost['runs']} runs")
    return ", ".join(said)


class Meter:
    """What a run has spent since this was made, held against its budget.

    Parameters
    ----------
    budget : Budget, optional
        By default without a limit.
    """

    def __init__(self, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self._began = time.monotonic()
        self._cpu = _cpu_seconds()
        self._moved = _moved_bytes()

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._began

    @property
    def left_s(self) -> float | None:
        """Seconds that are left, 0 at least; None: there is no limit."""
        limit = self.budget.max_seconds
        return None if limit is None else max(limit - self.seconds, 0.0)

    def cost(self) -> Cost:
        """Say what was spent so far.

        Returns
        -------
        Cost
            Up to now.
        """
        read, written = (
            None if now is None or then is None else now - then
            for now, then in zip(_moved_bytes(), self._moved, strict=True)
        )
        return Cost(_cpu_seconds() - self._cpu, self.seconds, peak_memory_bytes(), read, written)

    def check_table(self, part: str, n_rows: int, n_columns: int, copies: float = READ_COPIES) -> None:
        """Check that a part that holds a table of numbers may begin.

        Parameters
        ----------
        part : str
            As in `check_memory`.
        n_rows, n_columns : int
            Of the table, at 8 bytes a value.
        copies : float
            How many of it are held at once, about.

        Raises
        ------
        BudgetError
            As `check_memory`.
        """
        self.check_memory(part, copies * n_rows * n_columns * 8, f"{n_rows:,} rows of {n_columns} columns")

    def check_memory(self, part: str, more: float, why: str) -> None:
        """Check that a part that is about to begin may take the memory that it needs.

        Parameters
        ----------
        part : str
            What is about to begin: ``reading``.
        more : float
            Bytes that it takes, about, beside what the process holds now.
        why : str
            What the figure was estimated from: ``2,000,000 rows of 30 columns``.

        Raises
        ------
        BudgetError
            If that is more than the budget has.
        """
        limit = self.budget.max_memory
        if limit is None:
            return
        held = memory_bytes() or 0
        if held + more > limit:
            raise BudgetError(
                f"max_memory={in_units(limit)} is too little for {part}: about {in_units(more)} for {why}, beside "
                f"{in_units(held)} that the process holds: allow {in_units((held + more) * 1.05)} (--max-memory), or "
                "give fewer rows or columns"
            )


def memory_bytes() -> int | None:
    """Say what the process holds in memory now.

    Returns
    -------
    int or None
        Its resident set, in bytes; None where the system does not say.
    """
    return _of_status("VmRSS")


def available_bytes() -> int | None:
    """Say what processes of this machine can have in memory now, beside what they have.

    Returns
    -------
    int or None
        In bytes: what the system says is available, and no more than its control group has left; None where the
        system does not say.
    """
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", text, re.MULTILINE)
    left = [] if found is None else [int(found[1]) * 1024]
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            left.append(int((_CGROUP / limit).read_text()) - int((_CGROUP / used).read_text()))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return max(min(left), 0) if left else None


def peak_memory_bytes() -> int | None:
    """Say what the process, or a child that has ended, has held at most.

    Returns
    -------
    int or None
        In bytes; None where the system does not say.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit if resource is not None else 0
    own = _of_status("VmHWM")
    if own is None and resource is not None:  # a child begins with its parent's peak there
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return None if own is None else max(own, children)


def _of_status(name: str) -> int | None:
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    return None if found is None else int(found[1]) * 1024


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _moved_bytes() -> tuple[int | None, int | None]:
    """Return what was read and written by calls so far, by children that have ended too."""
    try:
        text = Path("/proc/self/io").read_text(encoding="ascii")
    except OSError:
        return None, None
    found = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return tuple(int(found[name]) if name in found else None for name in ("rchar", "wchar"))  # type: ignore[return-value]
