"""What a process and all that it starts take, seen from outside: processor time, and memory as the kernel counts it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

EVERY_S = 0.25
TICK = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Taken:
    """What a command took.

    Parameters
    ----------
    out : str
        Its standard output.
    seconds, cpu_seconds : float
        By the clock; of processors, user and system, in all processes.
    peak_bytes : int
        The most that all processes held at one time, pages that several share counted once (PSS), without pages of
        files, which the kernel drops when it needs them.
    mapped_bytes : int
        The most with those.
    largest_bytes : int
        The most that one process held, without pages of files.
    processes : int
        How many there were at most.
    killed : bool
        Whether it was, since it held more than it may.
    """

    out: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    mapped_bytes: int = 0
    largest_bytes: int = 0
    processes: int = 0
    killed: bool = False
    _spent: dict[tuple[int, str], float] = field(default_factory=dict)


def run(command: list[str], limit_bytes: int | None = None) -> Taken:
    """Run a command to its end, and that of what it left behind; kill it where all hold more than `limit_bytes`."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what its daemons leave is ours, and is counted
    taken, began = Taken(), time.perf_counter()
    before = os.times()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        ended = threading.Event()
        watch = threading.Thread(target=_watch, args=(process, taken, limit_bytes, ended), daemon=True)
        watch.start()
        taken.out = process.stdout.read()
        code = process.wait()
        ended.set()
        watch.join()
    taken.seconds = time.perf_counter() - began
    _reap()
    after = os.times()
    waited = after.children_user + after.children_system - before.children_user - before.children_system
    taken.cpu_seconds = max(waited, sum(taken._spent.values()))
    if code and not taken.killed:
        raise subprocess.CalledProcessError(code, command, taken.out)
    return taken


def _reap() -> None:
    """Wait for daemons that end by themselves."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(EVERY_S)
        except ChildProcessError:
            return


def _watch(process: subprocess.Popen[str], taken: Taken, limit: int | None, ended: threading.Event) -> None:
    while not ended.wait(EVERY_S):
        held = mapped = largest = count = 0
        for pid in _family(os.getpid()) - {os.getpid()}:
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                taken._spent[pid, stat[19]] = (int(stat[11]) + int(stat[12])) / TICK
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
            except OSError:  # it has ended
                continue
            kb = {line.split(":")[0]: int(line.split()[1]) for line in rollup}
            own = (kb["Pss_Anon"] + kb["Pss_Shmem"]) * 1024
            held, mapped, largest, count = held + own, mapped + kb["Pss"] * 1024, max(largest, own), count + 1
        taken.peak_bytes, taken.mapped_bytes = max(taken.peak_bytes, held), max(taken.mapped_bytes, mapped)
        taken.largest_bytes, taken.processes = max(taken.largest_bytes, largest), max(taken.processes, count)
        if limit is not None and held > limit:
            taken.killed = True
            process.kill()


def _family(root: int) -> set[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, new = set(), {root}
    while new:
        found |= new
        new = {child for parent in new for child in children.get(parent, [])} - found
    return found
