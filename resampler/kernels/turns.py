"""Who compiles a kernel, where several processes would: one does, the others wait for what it puts into the cache.

A process that finds no kernel in the cache locks it, and holds the lock until it has saved the kernel. The system ends
a lock with its process, however that ends. Nobody waits for ever, for what cannot be shared can still be compiled:
a process that has waited `PATIENCE_S` for one kernel, say of a process that was stopped, waits for none any more, and
where files cannot be locked, everyone compiles. A kernel is locked while those that it calls are
compiled: as kernels call each other in no circle, their locks do not wait for each other in one either.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import time
import zlib
from pathlib import Path

try:
    import fcntl
except ImportError:  # no POSIX
    fcntl = None

NAME = "compiling.lock"  # one file a folder, one of its bytes a kernel
PATIENCE_S = 120.0
_LOOK_S, _SAY_S = 0.02, 1.0

logger = logging.getLogger(__name__)
_said = []  # what this process has said
_waited_for = []  # the kernel that it lost its patience with


def take_turn(folder, kernel):
    """Take the right to compile a kernel; return whether another process had it, and may have saved the kernel."""
    began = time.monotonic()
    waited = False
    while not _lock(folder, kernel):
        waited = True
        waited_s = time.monotonic() - began
        if waited_s >= PATIENCE_S and not _waited_for:
            _waited_for.append(kernel)
            logger.info("another process has compiled %s for %.0f s: kernels are compiled here too", kernel, waited_s)
        if _waited_for:
            break
        if waited_s > _SAY_S and not _said:
            _said.append(kernel)
            logger.info("waiting for kernels that another process compiles into %s", folder)
        time.sleep(_LOOK_S)
    return waited


def end_turn(folder, kernel):
    """Give the right to compile a kernel to the next process."""
    file = _file_of(folder)
    if file is not None:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.lockf(file, fcntl.LOCK_UN, 1, _place_of(kernel))


def _lock(folder, kernel):
    """Return whether nobody else has the kernel; where files cannot be locked nobody ever has."""
    file = _file_of(folder)
    if file is None:
        return True
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place_of(kernel))
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES)  # else no file can be locked here
    return True


@functools.cache
def _file_of(folder):
    """Open a folder's file once: the first that a process closes would end all of its locks."""
    if fcntl is None:
        return None
    try:
        return os.open(Path(folder) / NAME, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:  # read-only, or full
        return None


def _place_of(kernel):
    return zlib.crc32(kernel.encode())
