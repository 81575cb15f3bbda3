"""Items about the rows of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from resampler.doctor.attest import attested
from resampler.doctor.item import FAIL, PASS, UNKNOWN, Answer, Item
from resampler.methods.catalog import METHODS
from resampler.printing import plural
from resampler.training_set import TEST, TRAIN, VALIDATION

if TYPE_CHECKING:
    from typing import Any

    from resampler.training_set import TrainingSet

LABELS = "labels-reviewed"


def _split_first(asked: Any) -> Answer:
    """Look at the parents: had rows been made before the split, some would stand in another split."""
    version: TrainingSet = asked.version
    made = sum(one["synthetic"] for one in version.classes[TRAIN].values())
    if not made:
        return Answer(PASS, f"{version} has no synthetic row")
    parents = version.read_lineage()
    if parents is None:
        return Answer(UNKNOWN, f"{version} stores no parents of its synthetic rows")
    if parents.num_rows != made:
        return Answer(UNKNOWN, f"the lineage has {plural(parents.num_rows, 'row')}, the manifest says {made:,}")
    real = sum(one["real"] for one in version.classes[TRAIN].values())
    names = [name for name in ("base_row", "neighbor_row") if name in parents.column_names]
    if not names:
        return Answer(PASS, f"its {made:,} synthetic rows are of groups of training rows, as {version} was made")
    outside = sum(
        pc.sum(pc.or_(pc.less(parents[name], 0), pc.greater_equal(parents[name], real))).as_py() for name in names
    )
    if outside:
        return Answer(FAIL, f"{plural(outside, 'parent')} of synthetic rows stand outside the training split")
    return Answer(PASS, f"all parents of its {made:,} synthetic rows are real training rows")


def _hold_out(asked: Any) -> Answer:
    version: TrainingSet = asked.version
    held = [split for split in (VALIDATION, TEST) if split in version.files]
    if not held:
        return Answer(FAIL, f"{version} has neither a validation nor a test split")
    rows = 0
    for split in held:
        marks = version.read(split, [version.synthetic])[version.synthetic]
        rows += len(marks)
        if made := pc.sum(marks).as_py():
            return Answer(FAIL, f"{split} has {plural(made, 'synthetic row')} of {len(marks):,}")
    return Answer(PASS, f"{plural(rows, 'row')} of {' and '.join(held)}, none of them synthetic, as its files say")


def _reviewed(asked: Any) -> Answer:
    run = attested(asked.version, LABELS)
    if run is None:
        return Answer(UNKNOWN, f"nobody has said so of {asked.version}")
    why = f": {run.details['reason']}" if run.details["reason"] else ""
    return Answer(PASS, f"{run.details['who']} said so on {run.at[:10]}{why}")


def _recorded(asked: Any) -> Answer:
    known = asked.version.parameters
    if missing := [name for name in ("seed", "ratio", "sampler", "k_neighbors", "split") if known.get(name) is None]:
        return Answer(FAIL, f"the manifest does not say {', '.join(missing)}")
    return Answer(PASS, f"seed {known['seed']}, ratio {known['ratio']:g}, {known['sampler']}, split {known['split']}")


def _keyed(asked: Any) -> Answer:
    version: TrainingSet = asked.version
    known = version.parameters
    if known.get("secret_key"):
        return Answer(PASS, f"made under the secret key {known['secret_key']}")
    hardened = METHODS[str(known["sampler"])].hardens
    if known.get("release") or hardened:
        what = "a release" if known.get("release") else "hardened"
        return Answer(FAIL, f"{version} is {what}, to be given away, and its published seed says what was drawn")
    return Answer(UNKNOWN, "made without one: fine as long as only those have it who may read the real rows")


ITEMS = (
    Item(
        "split-first",
        "pre-production",
        "Were rows split before synthetic ones were made?",
        "Create the version again: `resampler snapshot create` splits first and augments the training split alone.",
        ("version",),
        _split_first,
    ),
    Item(
        LABELS,
        "pre-production",
        "Has a person looked at labels of rows that synthetic ones are made of?",
        "Look at a sample (`create --audit-sample`, `resampler audit show`), then say so: `resampler doctor --attest "
        "labels-reviewed`.",
        ("version",),
        _reviewed,
        attested=True,
    ),
    Item(
        "parameters-recorded",
        "pre-production",
        "Do its files say seed and parameters, so that it can be made again?",
        "Create the version again with this release.",
        ("version",),
        _recorded,
    ),
    Item(
        "hold-out-real",
        "pre-production",
        "Are there validation or test rows, all of them real?",
        "Create the version with a split that holds rows out, such as `--split time:0.7,0.15,0.15`.",
        ("version",),
        _hold_out,
    ),
    Item(
        "secret-key",
        "pre-production",
        "Is a version that is given away made under a secret key?",
        "Create it with `--secret-key ENV|FILE`, or let nobody have it who may not read the real rows.",
        ("version",),
        _keyed,
    ),
)
