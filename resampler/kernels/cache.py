"""The compiler's cache on disk, checked: a kernel whose file a crash or a full disk has damaged is compiled again.

Numba reads its cache files as they are: an empty or cut one ends every later run in a raw error, and a changed one is
run. Here each file begins with the sha256 of the rest. What does not match is removed, said once a process, and
compiled again. An entry also says whose code it is, since two processes that fill an empty cache at the same time may
give one file name to two signatures. And a kernel holds the code of those that it calls: it is compiled again when any
file of kernels has changed, where Numba looks at its own file alone: by its content, for layers of an image cut the
times of files to seconds.

A cache that comes with an image is read where it may not be written to. It fits any machine if the processor that
kernels are compiled for was named (NUMBA_CPU_NAME, NUMBA_CPU_FEATURES).
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import warnings
from pathlib import Path

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile

from resampler.kernels import intermediate
from resampler.kernels.turns import end_turn, take_turn

_HERE = Path(__file__).parent
_DIGEST_BYTES = hashlib.sha256().digest_size
_VERSION = numba.__version__.encode()

_warned = []  # what this process has said


class KernelCacheWarning(UserWarning):
    """Warn that the cache of compiled kernels cannot be used as it is; kernels are compiled instead."""


class _DamagedError(Exception):
    """Raise when a cache file, the first argument, does not hold what was written to it."""


def _warn_once(message):
    if not _warned:
        _warned.append(message)
        warnings.warn(message, KernelCacheWarning, stacklevel=2)


class _CheckedFiles(IndexDataCacheFile):
    """The index of one kernel, and its data files.

    A file is a digest, and what it is taken of; an index holds the compiler's version, a line end, and a pickle.
    """

    def __init__(self, cache_path, filename_base, source_stamp):
        super().__init__(cache_path, f"{filename_base}.checked", source_stamp)  # Numba's own files are left alone

    def load(self, key):
        """Return what was saved under the key; None where nothing was, or it cannot be had."""
        try:
            entry = super().load(key)
        except _DamagedError as error:
            self.drop(error.args[0])
            return None
        except OSError as error:
            _warn_once(f"kernel cache file {error.filename} cannot be read: {error.strerror}; its kernel is compiled")
            return None
        return entry[1] if entry is not None and entry[0] == key else None

    def save(self, key, data):
        """Save an entry; where that cannot be done, the kernel is compiled in the next process again."""
        try:
            try:
                super().save(key, (key, data))
            except _DamagedError as error:
                self.drop(error.args[0])
                super().save(key, (key, data))
        except OSError as error:
            _warn_once(
                f"compiled kernels cannot be kept in {self._cache_path}: {error.strerror}; free the disk, or set "
                "NUMBA_CACHE_DIR to a directory that can be written to"
            )

    def drop(self, path=None):
        """Remove a damaged file, or all files of the kernel, and say so."""
        damaged = [Path(path)] if path else [Path(self._index_path), *self._data_files()]
        for file in damaged:
            file.unlink(missing_ok=True)  # another process may have been faster
        _warn_once(
            f"kernel cache file {damaged[0]} is damaged: it was removed and its kernel is compiled again, as is done "
            f"with any other damaged file there"
        )

    def _data_files(self):
        prefix = self._data_name_pattern.removesuffix("{number:d}.nbc")
        return [path for path in Path(self._cache_path).glob("*.nbc") if path.name.startswith(prefix)]

    def _load_index(self):
        try:
            version, _, pickled = self._read(self._index_path).partition(b"\n")
        except FileNotFoundError:
            return {}
        if version != _VERSION:
            return {}
        stamp, overloads = self._unpickle(self._index_path, pickled)
        return overloads if stamp == self._source_stamp else {}

    def _save_index(self, overloads):
        self._write(self._index_path, _VERSION + b"\n" + self._dump((self._source_stamp, overloads)))

    def _load_data(self, name):
        path = self._data_path(name)
        return self._unpickle(path, self._read(path))

    def _save_data(self, name, data):
        self._write(self._data_path(name), self._dump(data))

    @staticmethod
    def _read(path):
        content = Path(path).read_bytes()
        if hashlib.sha256(content[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
            raise _DamagedError(path)
        return content[_DIGEST_BYTES:]

    def _write(self, path, content):
        with self._open_for_write(path) as file:
            file.write(hashlib.sha256(content).digest() + content)

    @staticmethod
    def _unpickle(path, content):
        try:
            return pickle.loads(content)  # noqa: S301 - Numba's format; the machine's own files
        except Exception as error:  # names a class of another release, say
            raise _DamagedError(path) from error


def _room_of(py_func):
    """Return the folder of kernels that a function stands in; its own folder where it stands in none."""
    file = Path(py_func.__code__.co_filename)
    return next((folder for folder in file.parents if folder.name == "kernels"), file.parent)


@functools.cache
def _stamp_of(folder):
    """Return the sha256 of the files of kernels in a folder, with their names."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


class _FilledLocator(CompileResultCacheImpl._locator_classes[0]):  # that of NUMBA_CACHE_DIR, named so since Numba 0.62
    """Takes NUMBA_CACHE_DIR as it is where it has kernels of the file, written to or not."""

    def ensure_cache_path(self):
        if not Path(self._cache_path).is_dir():
            super().ensure_cache_path()


class _Impl(CompileResultCacheImpl):
    _locator_classes = (_FilledLocator, *CompileResultCacheImpl._locator_classes)

    def rebuild(self, target_context, payload):
        if payload[0][1] == intermediate.KIND:
            return intermediate.rebuild(target_context, payload)
        return super().rebuild(target_context, payload)


class CheckedCache(FunctionCache):
    """The cache of one kernel."""

    _impl_class = _Impl

    def __init__(self, py_func):
        super().__init__(py_func)
        stamp = _stamp_of(_HERE), _stamp_of(_room_of(py_func))
        self._cache_file = _CheckedFiles(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig, target_context):
        """Return the compiled kernel of a signature, None where it must be compiled: here, and in no other process."""
        kernel = self._load(sig, target_context)
        if kernel is None and self._can_be_kept() and take_turn(self._cache_path, self._impl.filename_base):
            kernel = self._load(sig, target_context)
            if kernel is not None:
                self.end_turn()
        return kernel

    def _load(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # the files are whole, and still hold nothing that this process can link
            self._cache_file.drop()
            return None

    def is_empty(self):
        """Say whether nothing of the kernel has ever been kept, whatever it was compiled for."""
        return not Path(self._cache_file._index_path).exists()

    def _can_be_kept(self):
        try:
            self._impl.locator.ensure_cache_path()
        except OSError:
            return False
        return True

    def save_overload(self, sig, data):
        """Keep a compiled kernel."""
        try:
            super().save_overload(sig, data)
        except OSError as error:  # the directory is gone, or may no longer be written to
            _warn_once(f"compiled kernels cannot be kept in {self._cache_path}: {error.strerror}")
        finally:
            self.end_turn()

    def end_turn(self):
        """Let other processes compile the kernel."""
        end_turn(self._cache_path, self._impl.filename_base)


def attach_cache(kernel):
    """Give a compiled function its cache, and return it; without the compiler it has none."""
    if not hasattr(kernel, "enable_caching"):
        return kernel
    try:
        cache = kernel._cache = CheckedCache(kernel.py_func)
    except RuntimeError as error:  # Numba finds no directory that can be written to
        _warn_once(f"{error}: compiling in every process; set NUMBA_CACHE_DIR to a directory that can be written to")
    else:
        kernel._compiler.compile = _giving_up_its_turn(kernel._compiler.compile, cache)
    return kernel


def _giving_up_its_turn(compile_kernel, cache):
    """Return what compiles a kernel, such that one that fails does not keep other processes waiting."""

    @functools.wraps(compile_kernel)
    def compile_or_end_turn(*args):
        try:
            return compile_kernel(*args)
        except BaseException:
            cache.end_turn()
            raise

    return compile_or_end_turn
