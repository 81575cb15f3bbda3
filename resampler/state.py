"""Saved state: a checksummed frame of named arrays, without pickle.

Layout, little-endian: ``RSMP``, uint16 format version, uint32 length of a JSON header, the header, the arrays as
consecutive ``.npy`` members in the header's order, and the sha256 of all before it.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import CorruptStateError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

MAGIC = b"RSMP"
# 2: times, effort and penalty of exact buffers too; 3: cells in groups, newcomers; 4: audits of kept lists
FORMAT_VERSION = 4
NULLABLE_VERSION = 5  # of rows that may have nulls, which earlier releases would take for damaged ones
PAUSED_VERSION = 6  # of a paused resampler, which earlier releases would let make rows
_PREFIX = struct.Struct("<4sHI")
# NumPy parses a header as Python, and CPython 3.11 and 3.12 keep the depth of such a parse once for all threads: two
# that restore at once end in a SystemError ("AST constructor recursion depth mismatch").
_PARSING = threading.Lock()
_DIGEST_BYTES = hashlib.sha256().digest_size


def check_format(where: str, found: object, known: Iterable[int]) -> None:
    """Refuse a file of another release.

    Parameters
    ----------
    where : str
        What the message calls it.
    found : object
        The format that it says it has.
    known : iterable of int
        Those that this release reads.

    Raises
    ------
    CorruptStateError
        If it is none of these.
    """
    formats = list(known)
    if found not in formats:
        raise CorruptStateError(
            f"{where} has format {found}, this release reads {', '.join(map(str, formats))}: use the release that "
            "wrote it, or a later one"
        )


def dump_state(
    kind: str,
    meta: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    *,
    nullable: bool = False,
    paused: bool = False,
) -> bytes:
    """Write named arrays and what describes them.

    Parameters
    ----------
    kind : str
        What is saved; `load_state` refuses another kind.
    meta : mapping
        JSON types.
    arrays : mapping of str to ndarray
        No object dtypes.
    nullable : bool
        Whether rows may have nulls.
    paused : bool
        Whether no synthetic rows are made for the time being.

    Returns
    -------
    bytes
        Equal input gives equal bytes.
    """
    version = PAUSED_VERSION if paused else NULLABLE_VERSION if nullable else FORMAT_VERSION
    header = json.dumps({"kind": kind, "meta": meta, "arrays": list(arrays)}, sort_keys=True).encode()
    out = io.BytesIO()
    out.write(_PREFIX.pack(MAGIC, version, len(header)))
    out.write(header)
    for array in arrays.values():
        np.lib.format.write_array(out, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    out.write(hashlib.sha256(out.getbuffer()).digest())
    return out.getvalue()


def load_state(kind: str, data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read back what `dump_state` wrote.

    Parameters
    ----------
    kind : str
        The kind that it must be.
    data : bytes
        The frame.

    Returns
    -------
    meta : dict
        As written.
    arrays : dict of str to ndarray
        Writable copies.

    Raises
    ------
    InvalidInputError
        If `data` is no bytes.
    CorruptStateError
        If the bytes are truncated, damaged, of another kind or of another format version.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InvalidInputError(f"saved {kind} must be bytes, got {type(data).__name__}: give what to_bytes gave")
    if len(data) < _PREFIX.size + _DIGEST_BYTES or data[:4] != MAGIC:
        raise CorruptStateError(f"saved {kind} must begin with {MAGIC!r}, got {len(data)} bytes of something else")
    _, version, header_bytes = _PREFIX.unpack_from(data)
    if not FORMAT_VERSION <= version <= PAUSED_VERSION:
        raise CorruptStateError(
            f"saved {kind} has format version {version}, this release reads {FORMAT_VERSION} to {PAUSED_VERSION}: "
            "read it with the release that wrote it, or rebuild it by replay"
        )
    body = memoryview(data)[:-_DIGEST_BYTES]
    if hashlib.sha256(body).digest() != data[-_DIGEST_BYTES:]:
        raise CorruptStateError(f"saved {kind} fails its checksum: restore an undamaged copy or rebuild it by replay")
    header = json.loads(bytes(body[_PREFIX.size : _PREFIX.size + header_bytes]))
    if header["kind"] != kind:
        raise CorruptStateError(f"expected a saved {kind}, got a saved {header['kind']}")
    stream = io.BytesIO(body[_PREFIX.size + header_bytes :])
    return header["meta"], {name: _array(stream) for name in header["arrays"]}


def _array(stream: io.BytesIO) -> NDArray[Any]:
    """Read the next array; what it takes is a copy that can be written to."""
    with _PARSING:
        np.lib.format.read_magic(stream)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    flat = np.frombuffer(stream.read(dtype.itemsize * math.prod(shape)), dtype)
    return flat.reshape(shape, order="F" if fortran else "C").copy(order="K")


def is_paused(data: bytes) -> bool:
    """Say whether what was saved was paused.

    Parameters
    ----------
    data : bytes
        What `dump_state` wrote.

    Returns
    -------
    bool
        As given to `dump_state`.
    """
    return bool(_PREFIX.unpack_from(data)[1] == PAUSED_VERSION)
