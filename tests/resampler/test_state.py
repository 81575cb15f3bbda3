"""Saved state: what is damaged or of another version is refused by name; every version that there was is kept."""

from pathlib import Path

import numpy as np
import pytest

from resampler import CorruptStateError, FeatureSchema, MinorityBuffer, OnlineResampler
from resampler.state import FORMAT_VERSION, dump_state, load_state

STATES = Path(__file__).parent / "states"
KINDS = {"minority-buffer": MinorityBuffer, "online-resampler": OnlineResampler}


@pytest.mark.parametrize("path", sorted(STATES.glob("*.bin")), ids=lambda path: path.stem)
def test_states_of_every_version_that_there_was(path):
    kind, version = path.stem.rsplit("-v", 1)
    if int(version) == FORMAT_VERSION:
        assert KINDS[kind].from_bytes(path.read_bytes()).to_bytes() == path.read_bytes()
        return
    with pytest.raises(CorruptStateError, match=f"format version {version}, this release reads {FORMAT_VERSION}"):
        KINDS[kind].from_bytes(path.read_bytes())


def test_there_is_a_state_of_this_version():
    assert (STATES / f"minority-buffer-v{FORMAT_VERSION}.bin").exists()


def test_a_frame_gives_back_what_it_was_given():
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.array([True]), "c": np.empty((0, 2), dtype=np.float32)}
    saved = dump_state("Thing", {"n": 1}, arrays)
    meta, read = load_state("Thing", saved)
    assert meta == {"n": 1}
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        assert np.array_equal(read[name], array)
        assert read[name].flags.writeable
    with pytest.raises(CorruptStateError, match="expected a saved Other, got a saved Thing"):
        load_state("Other", saved)


@pytest.mark.parametrize("index", ["exact", "graph"])
def test_damage_is_refused_wherever_it_is(index):
    buffer = MinorityBuffer(2, 30, index=index)
    buffer.insert(np.random.default_rng(0).normal(size=(50, 2)), np.arange(50))
    saved = buffer.to_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(saved), 40):
        damaged = bytearray(saved)
        damaged[at] ^= 1 << rng.integers(8)
        with pytest.raises(CorruptStateError):
            MinorityBuffer.from_bytes(bytes(damaged))
    for bad in (b"", saved[:-1], saved[:40], saved + b"\0", b"RSMP"):
        with pytest.raises(CorruptStateError):
            MinorityBuffer.from_bytes(bad)
    with pytest.raises(CorruptStateError, match="expected a saved MinorityBuffer, got a saved OnlineResampler"):
        MinorityBuffer.from_bytes(OnlineResampler(FeatureSchema.numeric("ab")).to_bytes())


def test_a_frame_that_is_whole_but_holds_other_arrays_is_refused():
    buffer = MinorityBuffer(2, 30, index="graph")
    meta, arrays = load_state("MinorityBuffer", buffer.to_bytes())
    for name in ("cursor", "lists_d2", "cells_radius"):
        for other in (arrays[name][:-1], arrays[name].astype(np.complex128)):
            with pytest.raises(CorruptStateError, match=f"no fitting {name}"):
                MinorityBuffer.from_bytes(dump_state("MinorityBuffer", meta, arrays | {name: other}))
