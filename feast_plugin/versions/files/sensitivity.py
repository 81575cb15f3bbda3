"""How sensitive a version is, in the words that `create`, the manifest and the page say alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE = "privacy"  # a manifest's note
SENSITIVE = (
    "Synthetic rows, seed, lineage and report are as sensitive as the rows that the synthetic ones were made from: "
    "these can be rebuilt from them."
)
UNKEYED = "With --secret-key the seed would tell nothing of the draws"
KEYED = "Made with a secret key, so that the seed tells nothing of the draws"
REST = "the method hardened keeps rows from being rebuilt, and resampler audit privacy measures how far attacks come."


def in_words(parameters: Mapping[str, Any]) -> list[str]:
    """Say how sensitive a version is, and what changes that.

    Parameters
    ----------
    parameters : mapping of str to object
        Of the version.

    Returns
    -------
    list of str
        Two sentences.
    """
    return [SENSITIVE, f"{KEYED if 'secret_key' in parameters else UNKEYED}; {REST}"]
