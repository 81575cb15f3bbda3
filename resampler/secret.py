"""`SecretKey`: what is mixed into draws so that the seed, which everybody may read, tells nothing."""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache
from pathlib import Path

from resampler.errors import InvalidInputError

MIN_BYTES = 16  # of a secret: 128 bits, if they are drawn
MAX_BYTES = 2**20  # of a file: what is longer is another file, or a device without end
_LEAST_DISTINCT = 6  # bytes of a secret: fewer are a placeholder; 16 hexadecimal digits have fewer once in 30,000
_ENVIRONMENT, _FILE = "env:", "file:"
_SALT = b"feast-resampler secret key"  # the same everywhere: equal secrets give equal draws
_COST = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and some 50 ms a guess, for whoever tries words against a fingerprint


class SecretKey:
    """A secret, by the place that it was read from.

    Parameters
    ----------
    secret : bytes
        At least 16.
    reference : str, optional
        Where it was read: what is pickled in its place.

    Raises
    ------
    InvalidInputError
        If it is too short, or a few bytes over and over; its message does not repeat it.

    Notes
    -----
    Neither its representation nor a pickle holds the secret; a pickled key is read again from its reference. The
    secret is stretched by scrypt (RFC 7914), and what is derived of it is BLAKE2b, keyed (RFC 7693). A seed mixed with
    it is 64 bits, the key of the draws' Philox: it cannot be guessed in practice, but Philox makes no claim to be a
    cipher.

    Examples
    --------
    >>> key = SecretKey(b"sixteen bytes or more")
    >>> key.mix(0) == key.mix(0), key.mix(0) == key.mix(1)
    (True, False)
    >>> key
    SecretKey(fffa9437cae73562)
    """

    __slots__ = ("_root", "reference")

    def __init__(self, secret: bytes, reference: str | None = None) -> None:
        if not isinstance(secret, bytes | bytearray):
            raise InvalidInputError(f"a secret key must be bytes, got {type(secret).__name__}: encode it")
        for value, least, what in (
            (len(secret), MIN_BYTES, "bytes"),
            (len(set(secret)), _LEAST_DISTINCT, "different bytes"),
        ):
            if value < least:
                raise InvalidInputError(
                    f"a secret key must have at least {least} {what}, got {value}"
                    + (f" in {reference}" if reference else "")
                    + ": make one with `openssl rand -hex 32`"
                )
        self._root = _stretched(bytes(secret))
        self.reference = reference

    @classmethod
    def read(cls, reference: str) -> SecretKey:
        """Read a key from an environment variable or a file.

        Parameters
        ----------
        reference : str
            ``env:NAME`` or ``file:PATH``; without a prefix the variable of that name, else the file. White space at
            the ends of the secret is left out.

        Returns
        -------
        SecretKey
            With that reference.

        Raises
        ------
        InvalidInputError
            If there is no such variable or file, or it holds too little.
        """
        if reference.startswith(_ENVIRONMENT) or (not reference.startswith(_FILE) and reference in os.environ):
            name = reference.removeprefix(_ENVIRONMENT)
            if name not in os.environ:
                raise InvalidInputError(
                    f"secret key: there is no environment variable {_shown(name)}: set it, and name it, not the secret"
                )
            return cls(os.environ[name].encode(errors="surrogateescape").strip(), f"{_ENVIRONMENT}{name}")
        path = reference.removeprefix(_FILE)
        try:
            with Path(path).open("rb") as file:
                secret = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:  # ValueError: no path can have that name
            why = getattr(error, "strerror", None) or "no name of a file"
            kind = "file" if reference.startswith(_FILE) else "environment variable or file"
            raise InvalidInputError(
                f"secret key: there is no {kind} {_shown(path)} ({why}): name one that holds the secret, not the "
                "secret itself"
            ) from None
        if len(secret) > MAX_BYTES:
            raise InvalidInputError(
                f"secret key: the file {path!r} has more than {MAX_BYTES:,} bytes: name one that holds the secret alone"
            )
        return cls(secret.strip(), f"{_FILE}{path}")

    @classmethod
    def of(cls, key: SecretKey | str | None) -> SecretKey | None:
        """Read a key where a reference is given.

        Parameters
        ----------
        key : SecretKey, str or None
            A key, or a reference to one.

        Returns
        -------
        SecretKey or None
            None if there is none.

        Raises
        ------
        InvalidInputError
            As `read`, or if it is of another type.
        """
        if key is None or isinstance(key, SecretKey):
            return key
        if not isinstance(key, str):
            raise InvalidInputError(
                f"secret_key must be a SecretKey, 'env:NAME' or 'file:PATH', got {type(key).__name__}"
            )
        return cls.read(key)

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that say which key it is; they do not help to find it."""
        return self.digest("fingerprint", b"")[:8].hex()

    def digest(self, use: str, data: bytes) -> bytes:
        """Return a keyed hash.

        Parameters
        ----------
        use : str
            What for: hashes for different uses tell nothing of each other.
        data : bytes
            What is hashed.

        Returns
        -------
        bytes of length 32
            For anyone without the key, random.
        """
        return hashlib.blake2b(use.encode() + b"\0" + data, key=self._root, digest_size=32).digest()

    def mix(self, seed: int) -> int:
        """Mix a seed with the secret.

        Parameters
        ----------
        seed : int
            From 0 to 2**64 - 1.

        Returns
        -------
        int
            From 0 to 2**64 - 1, in place of the seed wherever draws are keyed on it.
        """
        return int.from_bytes(self.digest("draws", int(seed).to_bytes(8, "little"))[:8], "little")

    def check(self, fingerprint: str, what: str) -> None:
        """Refuse to go on with another key than the one that something was made with.

        Parameters
        ----------
        fingerprint : str
            Of that one.
        what : str
            What was made with it, for the message.

        Raises
        ------
        InvalidInputError
            If it is another.
        """
        if self.fingerprint != fingerprint:
            raise InvalidInputError(
                f"{what} was made with the secret key {fingerprint}, got {self.fingerprint}: give that one"
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretKey) and hmac.compare_digest(self._root, other._root)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"SecretKey({self.fingerprint})"

    def __reduce__(self) -> tuple[object, ...]:
        if self.reference is None:
            raise InvalidInputError(
                f"{self!r} was not read from a place, and is not pickled: use SecretKey.read('env:NAME') or 'file:PATH'"
            )
        return SecretKey.read, (self.reference,)

    def __copy__(self) -> SecretKey:
        return self

    def __deepcopy__(self, memo: object) -> SecretKey:
        return self


def check_reference(value: object, where: str) -> None:
    """Check that a file of settings says where a key is, and not the key.

    Parameters
    ----------
    value : object
        What it says.
    where : str
        For the message.

    Raises
    ------
    InvalidInputError
        If it is no reference with a prefix; the message does not repeat it.
    """
    if not isinstance(value, str) or not value.startswith((_ENVIRONMENT, _FILE)):
        raise InvalidInputError(
            f"{where} must be 'env:NAME' or 'file:PATH', where the secret is: settings do not hold the secret itself"
        )


def draw_seed(seed: int, key: SecretKey | None) -> int:
    """Return what draws are keyed on.

    Parameters
    ----------
    seed : int
        As it is published.
    key : SecretKey or None
        What is mixed in, if anything.

    Returns
    -------
    int
        The seed itself without a key.
    """
    return seed if key is None else key.mix(seed)


def apart(seed: int, use: str) -> int:
    """Return a seed for another use of the same rows.

    Parameters
    ----------
    seed : int
        From 0 to 2**64 - 1: what the draws of their values are keyed on, from `draw_seed`.
    use : str
        What for.

    Returns
    -------
    int
        From 0 to 2**64 - 1. Draws keyed on it tell nothing of those keyed on the seed; who knows the seed knows it too.

    Examples
    --------
    >>> apart(0, "order") == apart(0, "times")
    False
    """
    hashed = hashlib.blake2b(int(seed).to_bytes(8, "little"), digest_size=8, person=use.encode()[:16])
    return int.from_bytes(hashed.digest(), "little")


def _shown(name: str) -> str:
    """Return a name for an error, but for what could be a secret: errors end up in logs."""
    folder = Path(name).parent  # a secret in base64 can begin with a slash, too
    is_path = Path(name).is_absolute() and folder != Path(folder.anchor) and os.path.isdir(folder)  # noqa: PTH112 (Path raises where a name is too long)
    is_odd = any(one.isdigit() or one.isspace() for one in name)  # a passphrase has spaces
    return "of the name that was given" if len(name) >= MIN_BYTES and is_odd and not is_path else repr(name)


@lru_cache(maxsize=8)
def _stretched(secret: bytes) -> bytes:
    return hashlib.scrypt(secret, salt=_SALT, dklen=32, maxmem=2**26, **_COST)
