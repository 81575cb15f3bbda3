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
HARDENED = (
    "Hardened: no synthetic value comes from fewer real rows than a group has; but the version holds the real rows, "
    "too: release leaves those of the rarer classes out."
)
RELEASED = (
    "Hardened and released: no value of the rarer classes comes from fewer real rows than a group has, and their real "
    "rows are left out; the real rows of the largest class are in it."
)
SHARED = (
    "Groups count rows: some entities have several of a class, and if these are alike, a group tells that they were "
    "there. Keep one row an entity, or ask for larger groups (--group-size)."
)
MEASURED = "It is no formal guarantee: resampler audit privacy measures how far attacks come."
REST = (
    "the method hardened makes rows of groups of real ones, and resampler audit privacy measures how far attacks come."
)


def in_words(parameters: Mapping[str, Any], *, shared: bool = False) -> list[str]:
    """Say how sensitive a version is, and what changes that.

    Parameters
    ----------
    parameters : mapping of str to object
        Of the version.
    shared : bool
        Whether several rows of a class that hardened rows are made of have the same join keys.

    Returns
    -------
    list of str
        Two sentences, three where groups may be of fewer entities than rows.
    """
    if "group_size" in parameters:
        return [RELEASED if "release" in parameters else HARDENED, *([SHARED] if shared else []), MEASURED]
    return [SENSITIVE, f"{KEYED if 'secret_key' in parameters else UNKEYED}; {REST}"]
