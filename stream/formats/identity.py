"""Row ids: a Redis entry ID and the row's position in its entry, packed into one non-negative int64.

======  =====================================================  ==============================
tag     bits below the tag                                     used for
======  =====================================================  ==============================
``00``  42 bits milliseconds, 19 bits sequence                 position 0 (one row per entry)
``01``  42 bits milliseconds, 7 bits sequence, 12 bits place   rows inside a batch entry
``10``  61 bits of a hash of all three                         whatever fits neither
======  =====================================================  ==============================

The first two lose nothing, so a producer finds its row again by the ID that XADD returned.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MS_BITS, _SEQ_BITS = 42, 19  # 2**42 ms reach the year 2109
_BATCH_SEQ_BITS, _PLACE_BITS = 7, 12
_TAG_SHIFT = _MS_BITS + _SEQ_BITS
_TAG_BATCH, _TAG_HASH = 1, 2
_TEXT = re.compile(r"([0-9]+)-([0-9]+)(?::([0-9]+))?")


def row_ids(ms: NDArray[np.uint64], seq: NDArray[np.uint64], place: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Pack entry IDs and places into row ids.

    Parameters
    ----------
    ms, seq : ndarray of shape (n,), uint64
        The two halves of each row's entry ID.
    place : ndarray of shape (n,), uint64
        Position of each row in its entry, from 0.

    Returns
    -------
    ndarray of shape (n,), int64
        Non-negative; distinct for distinct rows, save for hash collisions (2**-61 a pair).
    """
    ms, seq, place = (np.asarray(part, dtype=np.uint64) for part in (ms, seq, place))
    single = (ms << np.uint64(_SEQ_BITS)) | seq
    fits = (ms >> np.uint64(_MS_BITS) == 0) & (seq >> np.uint64(_SEQ_BITS) == 0) & (place == 0)
    if fits.all():
        return single.view(np.int64)
    batched = _batched(ms, seq) | place
    fits_batch = (
        (ms >> np.uint64(_MS_BITS) == 0)
        & (seq >> np.uint64(_BATCH_SEQ_BITS) == 0)
        & (place >> np.uint64(_PLACE_BITS) == 0)
    )
    hashed = _hash(ms, seq, place) & np.uint64((1 << _TAG_SHIFT) - 1)
    hashed |= np.uint64(_TAG_HASH) << np.uint64(_TAG_SHIFT)
    return np.where(fits, single, np.where(fits_batch, batched, hashed)).view(np.int64)


def _batched(ms: NDArray[np.uint64], seq: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return what rows of a batch entry have in common."""
    tag = np.uint64(_TAG_BATCH) << np.uint64(_TAG_SHIFT)
    return tag | (ms << np.uint64(_BATCH_SEQ_BITS + _PLACE_BITS)) | (seq << np.uint64(_PLACE_BITS))


def row_ids_of(
    ms: NDArray[np.uint64], seq: NDArray[np.uint64], entry: NDArray[np.int64], place: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pack the IDs of entries and the places of their rows into row ids: `row_ids`, with less to do for each row.

    Parameters
    ----------
    ms, seq : ndarray of shape (n_entries,), uint64
        The two halves of each entry's ID.
    entry, place : ndarray of shape (n,), int64
        Which entry each row stands in, and its position therein.

    Returns
    -------
    ndarray of shape (n,), int64
        As `row_ids`.
    """
    positions = place.view(np.uint64)
    batches = len(ms) and not ((ms >> np.uint64(_MS_BITS)).any() or (seq >> np.uint64(_BATCH_SEQ_BITS)).any())
    if not batches or len(entry) < 2 * len(ms) or place.max() >> _PLACE_BITS:
        return row_ids(ms[entry], seq[entry], positions)
    ids = _batched(ms, seq)[entry]
    ids |= positions
    (heads,) = np.nonzero(place == 0)
    ids[heads] = ((ms << np.uint64(_SEQ_BITS)) | seq)[entry[heads]]
    return ids.view(np.int64)


def _hash(*words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Chain SplitMix64's finalizer over `words`."""
    state = np.zeros(len(words[0]), dtype=np.uint64)
    for word in words:
        state = (state ^ word) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return state


def encode(text: str) -> int:
    """Read a row id as people write it.

    Parameters
    ----------
    text : str
        The integer itself, or ``ms-seq`` as XADD returned it, or ``ms-seq:place``.

    Returns
    -------
    int
        The row id.

    Raises
    ------
    InvalidInputError
        If it is none of these, or a part does not fit 64 bits.
    """
    if text.isascii() and text.isdigit() and int(text) < 2**63:
        return int(text)
    match = _TEXT.fullmatch(text)
    parts = [int(part or 0) for part in match.groups()] if match else []
    if not parts or max(parts) >= 2**64:
        raise InvalidInputError(
            f"row id {text!r} must be an integer below 2**63, an entry ID like 1700000000000-0, or "
            "1700000000000-0:7 for the eighth row of an entry"
        )
    return int(row_ids(*(np.array([part], dtype=np.uint64) for part in parts))[0])


def decode(row_id: int) -> str | None:
    """Write a row id as the entry ID that XADD returned.

    Parameters
    ----------
    row_id : int
        What `row_ids` made.

    Returns
    -------
    str or None
        ``ms-seq``, with ``:place`` behind it where the row is not the first of its entry; None where the
        id is a hash.

    Raises
    ------
    InvalidInputError
        If `row_id` is not one that `row_ids` makes.
    """
    tag, low = row_id >> _TAG_SHIFT, row_id & ((1 << _TAG_SHIFT) - 1)
    if tag == 0:
        return f"{low >> _SEQ_BITS}-{low & ((1 << _SEQ_BITS) - 1)}"
    if tag == _TAG_BATCH:
        place = low & ((1 << _PLACE_BITS) - 1)
        seq = (low >> _PLACE_BITS) & ((1 << _BATCH_SEQ_BITS) - 1)
        return f"{low >> (_BATCH_SEQ_BITS + _PLACE_BITS)}-{seq}:{place}"
    if tag == _TAG_HASH:
        return None
    raise InvalidInputError(f"row id must come from a stream, got {row_id}")
