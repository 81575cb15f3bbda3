"""Digests of a version: of plain data, of what decides its rows, of the files of a split."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def recipe_digest(*, seed: int, ratio: float, parameters: dict[str, Any], inputs: dict[str, Any], contract: str) -> str:
    """Hash what decides the rows of a version.

    Parameters
    ----------
    seed, ratio, parameters, inputs
        As in `Manifest`.
    contract : str
        Hash of the contract before any scale was fitted.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return digest_of({"seed": seed, "ratio": ratio, "parameters": parameters, "inputs": inputs, "contract": contract})


def digest_of(data: Mapping[str, Any]) -> str:
    """Hash plain data.

    Parameters
    ----------
    data : dict
        JSON types.

    Returns
    -------
    str
        The sha256 of its canonical JSON.
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def content_of(digests: Sequence[str]) -> str:
    """Return the digest of a split's rows, from those of its files.

    Parameters
    ----------
    digests : sequence of str
        Of the rows of each file, in their order (`resampler.identity.ContentDigest`).

    Returns
    -------
    str
        That of the file, where there is one; else the sha256 of all of them.
    """
    return digests[0] if len(digests) == 1 else digest_of({"files": list(digests)})
