"""Draw the page from what a version's files say: at once when it is made, or at any time later."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
import numpy as np

from feast_plugin.versions.files import found
from feast_plugin.versions.files.entries import StoredFile
from feast_plugin.versions.files.manifest import Manifest
from feast_plugin.versions.files.names import version_name
from feast_plugin.versions.files.reading import read_files
from feast_plugin.versions.inputs.contract import Contract
from feast_plugin.versions.inputs.split import SPLITS, TRAIN
from feast_plugin.versions.making.recipe import ALGORITHM
from feast_plugin.versions.page.features import Picture, pictures
from feast_plugin.versions.page.sample import KINDS, weights_of
from feast_plugin.versions.page.space import space_of
from feast_plugin.versions.page.svg import HEIGHT, SQUARE, WIDTH
from resampler.budget import in_words
from resampler.profile.values import label_name
from resampler.quality.finding import LEVELS, Finding, grouped, worst_first

if TYPE_CHECKING:
    from feast_plugin.versions.page.sample import Sample
    from resampler.profile.profile import Profile
    from resampler.schema import Feature
    from resampler.storage import Location

FILE = "report.html"
SHOWN = 60  # features that have a picture
COPIES = 8  # columns of the picture of copies a parent


class Parents(NamedTuple):
    """How often the real rows of a class are parents.

    Parameters
    ----------
    label : str
        The class.
    real, bases, synthetic : int
        Its real training rows, those of them that a synthetic one starts from, and its synthetic rows.
    most : int
        Synthetic rows that start from one row, at most.
    columns : list of tuple
        Numbers of copies in words, how many real rows have as many, and their share of the tallest column.
    """

    label: str
    real: int
    bases: int
    synthetic: int
    most: int
    columns: list[tuple[str, int, float]]


def write_page(manifest: Manifest, directory: Location, profile: Profile, sample: Sample) -> StoredFile:
    """Draw the page and write it.

    Parameters
    ----------
    manifest, directory, profile, sample
        As `draw_page`.

    Returns
    -------
    StoredFile
        What the manifest says of it.
    """
    data = draw_page(manifest, directory, profile, sample)
    (directory / FILE).write_at_once(data)
    return StoredFile(FILE, 0, len(data), hashlib.sha256(data).hexdigest())


def draw_page(manifest: Manifest, directory: Location, profile: Profile, sample: Sample) -> bytes:
    """Draw the page.

    Parameters
    ----------
    manifest : Manifest
        Of the version; what it says of the page itself plays no part.
    directory : Location
        Of its files; the lineage is there.
    profile : Profile
        Counts of its values.
    sample : Sample
        That has seen the training file.

    Returns
    -------
    bytes
        HTML that loads nothing: the same whenever it is drawn of the same files.
    """
    manifest = Manifest.from_json(manifest.to_json(), directory.uri)  # in the order that a reader of the file meets
    contract = Contract.from_dict(manifest.columns)
    units = {feature.name: feature.scale for feature in manifest.schema.features}
    drawn: list[Picture] = []
    space = None
    kinds = [table for table in sample.rows() if table is not None]
    if len(kinds) == len(KINDS):
        weights = weights_of(kinds[1][sample.label], kinds[2][sample.label])
        drawn = pictures(kinds, contract.columns, manifest.seed, weights)
        space = space_of(kinds, contract.columns, profile.cells, units)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("feast_plugin.versions.page", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": _share, "n": "{:,}".format}
    shown: dict[str, Any] = {"seed": manifest.seed, "ratio": manifest.ratio, "retain": manifest.retain}
    cost = manifest.notes.get("cost", {})
    findings = worst_first([Finding.from_dict(one) for one in manifest.findings])
    return (
        environment.get_template(f"{FILE}.jinja")
        .render(
            m=manifest,
            version=version_name(manifest.version),
            verdict=_verdict(manifest, findings),
            findings=grouped(findings),
            parameters=shown | {k: v for k, v in manifest.parameters.items() if k != "algorithm"},
            units=units,
            kept={f.name: _kept(f) for f in manifest.schema.features},
            parents=_parents(manifest, directory, contract),
            recall=found.in_words(manifest.notes[found.NOTE]) if found.NOTE in manifest.notes else [],
            nulls=_nulls(profile, sample),
            pictures=drawn,
            space=space,
            sample=sample,
            removed=_removed(manifest, directory, contract),
            time=_time(manifest, contract),
            stages={name: seconds for name, seconds in cost.items() if name.endswith("_s")},
            spent=in_words(cost) if "cpu_seconds" in cost else "",
            kinds=KINDS,
            shown_features=SHOWN,
            width=WIDTH,
            height=HEIGHT,
            square=SQUARE,
        )
        .encode()
    )


def _time(manifest: Manifest, contract: Contract) -> str:
    """Say which time synthetic rows have."""
    if (
        manifest.parameters["algorithm"] < ALGORITHM
    ):  # said of rows without a time, too: pages are made again to the byte
        return " and the time of the row it starts from"
    if not contract.timestamped:
        return ""
    if "group_size" in manifest.parameters:
        return " and a time that is drawn about the mean of those of a group of its class"
    return " and a time that is drawn among those of the real training rows of its class"


def _verdict(manifest: Manifest, findings: list[Finding]) -> tuple[str, str]:
    """Return the first line, and the worst level in it."""
    if not manifest.knows("findings"):
        return "Not checked: this version was made before rows were checked.", "note"
    standing = [one for one in findings if not one.allowed]
    allowed = len(findings) - len(standing)
    words = []
    for level in reversed(LEVELS):
        names = [one.name for one in standing if one.level == level]
        if names:
            words.append(f"{len(names)} {level}{'s' if len(names) > 1 else ''}: {', '.join(dict.fromkeys(names))}")
    if allowed:
        words.append(f"{allowed} let pass by name")
    worst = standing[0].level if standing else "good"
    return (". ".join(words) + "." if words else "Nothing found."), worst


def _parents(manifest: Manifest, directory: Location, contract: Contract) -> list[Parents]:
    """Count copies by class from the lineage and the training file's labels."""
    train = manifest.splits[SPLITS[TRAIN]]
    minority = [label for label, counts in train.classes.items() if counts["synthetic"]]
    if not minority:
        return []
    if "group_size" in manifest.parameters:
        return []  # of hardened rows no parent is known
    bases = read_files(directory, [manifest.lineage], ["base_row"])["base_row"].to_numpy()
    labels = read_files(directory, train.files, [contract.label])[contract.label].combine_chunks().dictionary_encode()
    names = np.array([label_name(value) for value in labels.dictionary.to_pylist()])
    codes = labels.indices.to_numpy()[: train.real]
    copies = np.bincount(bases, minlength=train.real)
    found = []
    for label in minority:
        mine = copies[names[codes] == label]
        # In methods that leave the class, a base may be of another one: it is counted where it stands.
        used = mine[mine > 0]
        found.append(Parents(label, len(mine), len(used), int(mine.sum()), int(mine.max(initial=0)), _columns(mine)))
    return found


def _columns(copies: np.ndarray[Any, np.dtype[np.int64]]) -> list[tuple[str, int, float]]:
    """Count real rows by how many copies they have, from the least that one has."""
    none = int(np.count_nonzero(copies == 0))
    columns = [("none", none)] if none else []
    used = copies[copies > 0]
    if len(used):
        least, most = int(used.min()), int(used.max())
        width = -(-(most - least + 1) // COPIES)
        for first in range(least, most + 1, width):
            last = min(first + width - 1, most)
            count = int(np.count_nonzero((copies >= first) & (copies <= last)))
            columns.append((str(first) if first == last else f"{first} to {last}", count))
    tallest = max(count for _, count in columns)
    return [(name, count, count / tallest) for name, count in columns]


def _nulls(profile: Profile, sample: Sample) -> list[tuple[str, list[float]]]:
    """Return the share of nulls of each kind of row, of the features that have some, the most unlike first.

    The share of the real minority is that of its classes in the mix of the synthetic rows.
    """
    split = SPLITS[TRAIN]
    parts = [part for part in profile.parts if part.split == split]
    made = {part.label: part.rows for part in parts if part.synthetic}
    kinds = [
        [(part, part.rows) for part in parts if part.label not in sample.minority],
        [(part, made.get(part.label, 0)) for part in parts if part.label in sample.minority and not part.synthetic],
        [(part, part.rows) for part in parts if part.synthetic],
    ]
    found = []
    for name in profile.cells:
        shares = [
            sum(weight * part.features[name].nulls / part.rows for part, weight in kind)
            / max(sum(weight for _, weight in kind), 1)
            for kind in kinds
        ]
        if any(shares):
            found.append((name, shares))
    return sorted(found, key=lambda item: (-abs(item[1][1] - item[1][2]), -max(item[1])))


def _kept(feature: Feature) -> str:
    """Say which numbers a feature keeps, and whether it has nulls."""
    words, grid = [], feature.column.grid
    if grid is not None:
        words += [f"one of {len(grid.values)} values"] if grid.values else []
        words += [f"steps of {grid.step:g}"] if grid.step is not None else []
        ends = [f"{word} {bound:.6g}" for word, bound in (("from", grid.low), ("to", grid.high)) if bound is not None]
        words += [" ".join(ends)] if ends else []
    return "".join(f", {word}" for word in [*words, *(["nulls inherited"] if feature.column.nullable else [])])


def _removed(manifest: Manifest, directory: Location, contract: Contract) -> list[tuple[str, int]]:
    """Count the real training rows that cleaning removed, by class."""
    if manifest.left_out is None:
        return []
    labels = read_files(directory, [manifest.left_out], [contract.label])[contract.label]
    counts = labels.value_counts().to_pylist()
    return sorted(((label_name(one["values"]), one["counts"]) for one in counts), key=lambda item: -item[1])


def _share(value: float) -> str:
    percent = 100 * value
    return f"{percent:.1f} %" if percent >= 0.05 or not percent else f"{percent:.1g} %"
