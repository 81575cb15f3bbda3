"""Two attacks that take no time: synthetic rows taken for real ones, and how near the nearest of them lies."""

from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.catalog import ATTACKS
from resampler.quality.privacy.exposure import nearest
from resampler.quality.privacy.recovery import infer, recover


def copies(exposed, effort):
    return recover(exposed, exposed.synthetic[: effort.rows])


def nearness(exposed, effort):
    if not len(exposed.held_out):
        return None
    there = exposed.space(exposed.synthetic)
    return infer(*(-nearest(exposed.space(rows), there) for rows in (exposed.real, exposed.held_out)))


PLAIN = {
    "same rows": Attack("same rows", "takes synthetic rows for real ones", "the rows", "rows", copies, "hardened"),
    "nearness": Attack(
        "nearness",
        "scores rows by the nearest synthetic one",
        "the rows, held-out rows",
        "membership",
        nearness,
        "hardened",
    ),
}


def use(monkeypatch):
    """Let these be all the attacks that there are."""
    for name in reversed(list(ATTACKS)):  # they are put back last to first, so in the order of the table
        monkeypatch.delitem(ATTACKS, name)
    for name, attack in PLAIN.items():
        monkeypatch.setitem(ATTACKS, name, attack)
