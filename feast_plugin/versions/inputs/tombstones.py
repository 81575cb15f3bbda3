"""Entities that were forgotten: a keyed hash of each, so that no later version holds them again."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.notices import notice
from resampler.errors import CorruptStateError, DataError
from resampler.state import check_format

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from resampler.storage import Location

FILE = "forgotten.json"
FORMAT = 1
KEY_BYTES = 32


def integer_of(text: str) -> int | None:
    """Read an integer as people write one: ``4_7`` and ``" 7"`` are none, though Python reads them.

    Parameters
    ----------
    text : str
        A sign or none, and digits.

    Returns
    -------
    int or None
        None if it is something else.
    """
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,400}", text) else None


def keys_asked(entity: str, join_keys: Collection[str]) -> dict[str, str]:
    """Say which join keys an entity may be a value of.

    Parameters
    ----------
    entity : str
        Value of any join key, or ``key=value``.
    join_keys : collection of str
        Those that there are.

    Returns
    -------
    dict of str to str
        For each of them, the value as text.
    """
    name, equals, value = entity.partition("=")
    return {name: value} if equals and name in join_keys else dict.fromkeys(join_keys, entity)


class ForgottenMeanwhileError(DataError):
    """Raise when rows that were read are of an entity that was forgotten since: reading them again leaves it out."""


@dataclass(frozen=True)
class Tombstones:
    """The forgotten entities of a snapshot.

    The hash is BLAKE2b under a key of the snapshot's own, which stands in the same file: the file names nobody, and
    whoever can read it can test a guess.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    key : bytes
        Of the hash.
    hashes : dict of str to set of str
        For each join key, one a forgotten value.
    """

    home: Location
    key: bytes = field(default_factory=lambda: secrets.token_bytes(KEY_BYTES))
    hashes: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, home: Location) -> Tombstones:
        """Read the tombstones of a snapshot.

        Parameters
        ----------
        home : Location
            Its directory.

        Returns
        -------
        Tombstones
            Empty, under a new key, where nothing was forgotten yet.

        Raises
        ------
        CorruptStateError
            If the file cannot be read: what it says must not be lost.
        """
        file = home / FILE
        if not file.exists():
            return cls(home)
        try:
            data = json.loads(file.read())
            check_format(file.uri, data["format"], [FORMAT])
            hashes = {str(name): {str(value) for value in values} for name, values in data["hashes"].items()}
            return cls(home, bytes.fromhex(data["key"]), hashes)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise CorruptStateError(
                f"{file.uri} holds no tombstones: {type(error).__name__}: {error}: restore it from a copy, for without "
                "it forgotten entities would come back"
            ) from error

    def hash_of(self, join_key: str, value: object) -> str:
        """Hash an entity.

        Parameters
        ----------
        join_key : str
            Name of the column.
        value : int or str
            Of the entity in it.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return hashlib.blake2b(f"{join_key}\0{value}".encode(), key=self.key, digest_size=32).hexdigest()

    def keys_of(self, entity: str) -> set[str]:
        """Name the join keys in which an entity was forgotten.

        Parameters
        ----------
        entity : str
            Value of any join key, or ``key=value``.

        Returns
        -------
        set of str
            Empty if it was not.
        """
        found = set()
        for join_key, text in keys_asked(entity, self.hashes).items():
            number = integer_of(text)
            spellings = {text} if number is None else {text, str(number)}
            if any(self.hash_of(join_key, spelling) in self.hashes[join_key] for spelling in spellings):
                found.add(join_key)
        return found

    def add(self, entities: Iterable[Mapping[str, pa.Scalar]]) -> None:
        """Write tombstones.

        Parameters
        ----------
        entities : iterable of dict of str to pyarrow.Scalar
            Values by join key.
        """
        for values in entities:
            for join_key, value in values.items():
                self.hashes.setdefault(join_key, set()).add(self.hash_of(join_key, value.as_py()))
        file = self.home / FILE
        data = {
            "format": FORMAT,
            "key": self.key.hex(),
            "hashes": {join_key: sorted(hashes) for join_key, hashes in sorted(self.hashes.items())},
        }
        file.write_at_once((json.dumps(data, indent=1) + "\n").encode())
        if file.is_local:
            Path(file.path).chmod(0o600)

    def leave_out(self, table: pa.Table) -> pa.Table:
        """Leave the rows of forgotten entities out, and say so.

        Parameters
        ----------
        table : pyarrow.Table
            Columns of the join keys, and others.

        Returns
        -------
        pyarrow.Table
            The other rows, in their order.

        Raises
        ------
        DataError
            If none is left.
        """
        stays = self.stays(table)
        if stays is None:
            return table
        left = table.filter(stays)
        self.say_left_out(table.num_rows - left.num_rows, left.num_rows, table.column_names)
        return left

    def say_left_out(self, n: int, left: int, columns: Collection[str]) -> None:
        """Say that rows were left out.

        Parameters
        ----------
        n : int
            How many; of none nothing is said.
        left : int
            How many are left.
        columns : collection of str
            Of the table.

        Raises
        ------
        DataError
            If none is left.
        """
        if not n:
            return
        names = ", ".join(name for name in self.hashes if name in columns)
        said = f"{n} rows of entities that were forgotten (by {names})"
        if not left:
            raise DataError(f"no row is left: {said} are all that there are")
        notice(f"{said} were left out, as {self.home.uri}/{FILE} says")

    def check_absent(self, table: pa.Table) -> None:
        """Check that no row is of a forgotten entity.

        Parameters
        ----------
        table : pyarrow.Table
            Columns of the join keys, and others.

        Raises
        ------
        ForgottenMeanwhileError
            If one is: it was forgotten after the rows were read.
        """
        stays = self.stays(table)
        if stays is not None:
            rows = pc.sum(pc.invert(stays)).as_py()
            raise ForgottenMeanwhileError(
                f"{rows} rows are of an entity that was forgotten while they were read: run it again"
            )

    def stays(self, table: pa.Table) -> pa.ChunkedArray | None:
        """Say which rows are of no forgotten entity.

        Parameters
        ----------
        table : pyarrow.Table
            Columns of the join keys, and others.

        Returns
        -------
        pyarrow.ChunkedArray or None
            One boolean a row; None if all rows are.
        """
        stays: pa.ChunkedArray | None = None
        for join_key, hashes in self.hashes.items():
            if join_key not in table.column_names:
                continue
            values = pc.unique(table[join_key])
            known = [self.hash_of(join_key, value) in hashes for value in values.to_pylist()]
            gone = values.filter(pa.array(known, pa.bool_()))
            if len(gone):
                others = pc.invert(pc.is_in(table[join_key], value_set=gone))
                stays = others if stays is None else pc.and_(stays, others)
        return stays
