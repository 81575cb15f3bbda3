"""What `ps` shows of this process: a password that was typed must not stay there."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_ARG_START, _ARG_END = 45, 46  # fields of /proc/self/stat behind the command's name


def conceal(argument: str, shown: str) -> None:
    """Overwrite an argument in the memory that `ps` reads (Linux; elsewhere nothing is done).

    Parameters
    ----------
    argument : str
        As it was typed.
    shown : str
        What may be seen in its place, no longer than `argument`.
    """
    if sys.platform != "linux":
        return
    try:
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        typed = Path("/proc/self/cmdline").read_bytes()
    except OSError:  # no procfs, no ps
        return
    start, stop = int(fields[_ARG_START]), int(fields[_ARG_END])
    secret, cover = argument.encode(), shown.encode()
    at = typed.find(secret)
    if stop - start != len(typed) or len(cover) > len(secret):
        return
    while at >= 0 and secret != cover:
        ctypes.memmove(start + at, cover.ljust(len(secret)), len(secret))
        at = typed.find(secret, at + 1)
