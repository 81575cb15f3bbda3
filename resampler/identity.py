"""Who a row is and what a table holds: row ids, seeded ranks and content digests that no batch size changes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.dtypes import BOOLEAN, FLOAT, INTEGER, TEXT, family_of
from resampler.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SALTS = 4  # two keys that differ share an id under one of them once in a great many tables
_ID_MASK = np.uint64(2**63 - 1)  # row ids are non-negative int64: -1 says "none"
_TEXTS = 16_384  # that are objects of Python at once: long ones take several times what they take as a column
_OF_A_NULL = np.uint64(0x5BD1E9955BD1E995)  # what a null counts as, beside values


def mix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit words with the SplitMix64 finaliser, a bijection.

    Parameters
    ----------
    values : ndarray of uint64
        Any shape.

    Returns
    -------
    ndarray of uint64
        Same shape.

    References
    ----------
    Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014, section 5.
    """
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hash_values(column: pa.Array | pa.ChunkedArray) -> NDArray[np.uint64]:
    """Hash each value of a column, the same in every process and on every machine.

    Parameters
    ----------
    column : pyarrow.Array or ChunkedArray of shape (n_rows,)
        Integers, booleans, timestamps, strings or binary; no nulls.

    Returns
    -------
    ndarray of shape (n_rows,), uint64
        Equal for equal values.
    """
    if pa.types.is_timestamp(column.type) or family_of(column.type) in (INTEGER, BOOLEAN):
        return mix64(column.cast(pa.int64()).to_numpy().view(np.uint64))
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    encoded = column.dictionary_encode()
    digests = bytearray()
    for at in range(0, len(encoded.dictionary), _TEXTS):
        digests += b"".join(
            hashlib.blake2b(value if isinstance(value, bytes) else str(value).encode(), digest_size=8).digest()
            for value in encoded.dictionary.slice(at, _TEXTS).to_pylist()
        )
    return np.frombuffer(digests, dtype="<u8")[encoded.indices.to_numpy()]


def hash_keys(columns: Sequence[pa.Array | pa.ChunkedArray], salt: int = 0) -> NDArray[np.uint64]:
    """Hash rows by several columns.

    Parameters
    ----------
    columns : sequence of pyarrow.Array or ChunkedArray of shape (n_rows,)
        One or more, without nulls.
    salt : int
        Another one gives other hashes.

    Returns
    -------
    ndarray of shape (n_rows,), uint64
        Equal for rows with equal values.
    """
    keys = np.full(len(columns[0]), salt, dtype=np.uint64)
    for column in columns:
        keys = mix64(keys ^ hash_values(column))
    return keys


def hash_rows(batch: pa.RecordBatch | pa.Table, names: Sequence[str], salt: int = 0) -> NDArray[np.uint64]:
    """Hash rows by columns of any type, nulls among them.

    Parameters
    ----------
    batch : pyarrow.RecordBatch or Table of n_rows
        Holds the columns.
    names : sequence of str
        Which columns, in the order that counts.
    salt : int
        Another one gives other hashes.

    Returns
    -------
    ndarray of shape (n_rows,), uint64
        Equal for equal rows: numbers count by their value, so that 0.0 is -0.0 and every NaN is one; a null is no NaN.
    """
    hashes = np.full(batch.num_rows, salt, dtype=np.uint64)
    for name in names:
        hashes = mix64(hashes ^ _hash_cells(batch.column(name)))
    return hashes


def _hash_cells(column: pa.Array | pa.ChunkedArray) -> NDArray[np.uint64]:
    """Hash each value of a column of any type; a null is a value."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # of no chunks, or too long for one
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    missing = np.asarray(column.is_null()) if column.null_count else None
    family = family_of(column.type)
    if family == FLOAT:
        values = column.to_numpy(zero_copy_only=False).astype(np.float64) + 0.0  # -0.0 + 0.0 is 0.0
        values[np.isnan(values)] = np.nan
        hashes = mix64(values.view(np.uint64))
    elif family in (INTEGER, BOOLEAN) or pa.types.is_temporal(column.type):
        hashes = mix64(_as_words(column))
    else:
        filled = column.cast(pa.large_string()) if pa.types.is_decimal(column.type) else column
        if family != TEXT and not pa.types.is_decimal(column.type):  # lists, bytes, structures
            filled = pa.array([repr(value) for value in column.to_pylist()], pa.large_string())
        hashes = hash_values(filled.fill_null("") if filled.null_count else filled)
    if missing is not None:
        hashes = hashes.copy()
        hashes[missing] = _OF_A_NULL
    return hashes


def _as_words(column: pa.Array) -> NDArray[np.uint64]:
    """Return whole numbers, booleans and times as 64-bit words; anything for a null."""
    if pa.types.is_uint64(column.type):
        return column.fill_null(0).to_numpy(zero_copy_only=False)
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        column = column.cast(pa.int64())
    elif column.type.bit_width == 32:  # days, or seconds and milliseconds of a day
        column = column.cast(pa.int32()).cast(pa.int64())
    else:
        column = column.cast(pa.int64())
    return column.fill_null(0).to_numpy(zero_copy_only=False).view(np.uint64)


def row_ids(table: pa.Table, keys: Sequence[str]) -> NDArray[np.int64]:
    """Give each row the id that follows from its key values alone.

    A row keeps its id when other rows come or go, so that its synthetic children stay the same bits.

    Parameters
    ----------
    table : pyarrow.Table
        Holds the columns `keys`, without nulls, and no two rows with equal keys.
    keys : sequence of str
        What identifies a row: the join keys and the event timestamp.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        Distinct and non-negative.
    """
    return distinct_ids(key_ids(table, keys), table, keys)


def key_ids(table: pa.Table, keys: Sequence[str], salt: int = 0) -> NDArray[np.int64]:
    """Hash rows by their keys, any part of a table as the whole of it.

    Parameters
    ----------
    table, keys
        As in `row_ids`.
    salt : int
        Another one gives other ids.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        Non-negative; not distinct once in a great many tables.
    """
    return (hash_keys([table[key] for key in keys], salt) & _ID_MASK).view(np.int64)


def distinct_ids(ids: NDArray[np.int64], table: pa.Table, keys: Sequence[str]) -> NDArray[np.int64]:
    """Salt ids anew where two rows share one: at twenty million rows that is once in 50,000 tables.

    Parameters
    ----------
    ids : ndarray of shape (n_rows,), int64
        From `key_ids`, without salt.
    table, keys
        As in `row_ids`.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        Distinct.

    Raises
    ------
    DataError
        If rows share an id under every salt, so that they have the same keys.
    """
    for salt in range(1, _SALTS + 1):
        ordered = np.sort(ids)
        n_shared = int(np.count_nonzero(ordered[1:] == ordered[:-1]))
        if not n_shared:
            return ids
        if salt < _SALTS:
            ids = key_ids(table, keys, salt)
    raise DataError(f"keys {', '.join(keys)} must tell rows apart, and {n_shared} of {len(ids)} rows repeat another's")


def seeded_rank(values: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Draw one sort key a value, a pure function of the value and the seed.

    Parameters
    ----------
    values : ndarray of uint64
        Identities.
    seed : int
        From 0 to 2**64 - 1.

    Returns
    -------
    ndarray of uint64
        Same shape.
    """
    return mix64(values ^ mix64(np.array([seed], dtype=np.uint64)))


class ContentDigest:
    """The sha256 of a table's logical content: names, types, values, nulls and row order.

    Equal tables give equal digests however they are cut into batches, whatever Parquet or Arrow made of the bytes.

    Parameters
    ----------
    schema : pyarrow.Schema
        Columns, in order; fixed-width, string or list of fixed-width.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows = 0
        # Values, lengths and null positions are hashed apart: interleaved, they would depend on the batches.
        self._parts = [tuple(hashlib.sha256() for _ in range(3)) for _ in schema]

    def update(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Take in the next rows.

        Parameters
        ----------
        batch : pyarrow.RecordBatch or pyarrow.Table
            Columns as in the schema.
        """
        for parts, name in zip(self._parts, self._schema.names, strict=True):
            column = batch.column(name)
            chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
            first_row = self._rows
            for chunk in chunks:
                _feed(parts, chunk, first_row)
                first_row += len(chunk)
        self._rows += batch.num_rows

    def columns(self) -> list[list[str]]:
        """Return what is known of each column, for columns that are hashed apart from each other.

        Returns
        -------
        list of list of str
            Of each column three digests.
        """
        return [[part.hexdigest() for part in parts] for parts in self._parts]

    def hexdigest(self) -> str:
        """Return the digest of the rows so far.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return self.of_columns(self._schema, self._rows, self.columns())

    @staticmethod
    def of_columns(schema: pa.Schema, n_rows: int, columns: Sequence[Sequence[str]]) -> str:
        """Return the digest of a table whose columns were hashed apart.

        Parameters
        ----------
        schema : pyarrow.Schema
            All columns, in order.
        n_rows : int
            Of the table.
        columns : sequence of sequence of str
            From `columns`, of each of them.

        Returns
        -------
        str
            As `hexdigest` of the whole.
        """
        whole = hashlib.sha256(str(n_rows).encode())
        for field, parts in zip(schema, columns, strict=True):
            whole.update(f"\0{field.name}\0{field.type}\0".encode())
            for part in parts:
                whole.update(bytes.fromhex(part))
        return whole.hexdigest()


def _feed(parts: Sequence[Any], chunk: pa.Array, first_row: int) -> None:
    values, lengths, nulls = parts
    if chunk.null_count:
        nulls.update((np.flatnonzero(chunk.is_null().to_numpy(zero_copy_only=False)) + first_row).tobytes())
        chunk = chunk.drop_null()
    if pa.types.is_string(chunk.type):
        chunk = chunk.cast(pa.large_string())
        offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
        lengths.update(np.diff(offsets).tobytes())
        if len(chunk) and offsets[-1] > offsets[0]:
            values.update(memoryview(chunk.buffers()[2])[offsets[0] : offsets[-1]])
    elif pa.types.is_list(chunk.type):
        lengths.update(pc.list_value_length(chunk).cast(pa.int64()).to_numpy().tobytes())
        values.update(np.ascontiguousarray(chunk.flatten().to_numpy(zero_copy_only=False)))
    elif pa.types.is_timestamp(chunk.type):
        values.update(np.ascontiguousarray(chunk.cast(pa.int64()).to_numpy()))
    else:
        values.update(np.ascontiguousarray(chunk.to_numpy(zero_copy_only=False)))
