"""How well neighbours were found where not all were asked for, in the words of manifest, command and page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resampler.methods.table import Search

NOTE = "recall"  # in a manifest's notes


def found_by(search: Search, names: Mapping[int, Any]) -> dict[str, dict[str, Any]]:
    """Say what share of the true neighbours was found.

    Parameters
    ----------
    search : Search
        That sought them.
    names : mapping of int to object
        What a class is called, by its label.

    Returns
    -------
    dict of str to dict
        By class, the least ``share`` of its searches in a sample, and the ``interval`` of 95 % about it or None.
    """
    found: dict[str, dict[str, Any]] = {}
    for key, share in search.recall.items():
        label = key[0] if isinstance(key, tuple) else key
        name = str(names[label])
        if name not in found or share < found[name]["share"]:
            interval = search.intervals.get(key)
            found[name] = {
                "share": round(share, 4),
                "interval": None if interval is None else [round(end, 4) for end in interval],
            }
    return dict(sorted(found.items()))


def in_words(note: Mapping[str, Any]) -> list[str]:
    """Say it for people.

    Parameters
    ----------
    note : mapping
        Of a manifest: ``asked``, and by class what was found.

    Returns
    -------
    list of str
        A sentence a class.
    """
    said = []
    for name, of in note["classes"].items():
        ends = "" if of["interval"] is None else " ({:.2f} to {:.2f})".format(*of["interval"])
        share = "all" if of["share"] >= 1 else f"{of['share']:.2f}"
        said.append(
            f"found {share} of the true neighbours of class {name} in a sample{ends}; asked for {note['asked']:g}"
        )
    return said
