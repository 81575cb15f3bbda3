"""Saved state: what is damaged or of another version is refused by name; every version that there was is kept."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from resampler import CorruptStateError, FeatureSchema, InvalidInputError, MinorityBuffer, OnlineResampler
from resampler.state import FORMAT_VERSION, NULLABLE_VERSION, PAUSED_VERSION, dump_state, load_state

STATES = Path(__file__).parent / "states"
KINDS = {"minority-buffer": MinorityBuffer, "online-resampler": OnlineResampler}


@pytest.mark.parametrize("path", sorted(STATES.glob("*.bin")), ids=lambda path: path.stem)
def test_states_of_every_version_that_there_was(path):
    kind, version = path.stem.rsplit("-v", 1)
    if int(version) >= FORMAT_VERSION:
        assert KINDS[kind].from_bytes(path.read_bytes()).to_bytes() == path.read_bytes()
        return
    with pytest.raises(CorruptStateError, match=f"format version {version}, this release reads {FORMAT_VERSION}"):
        KINDS[kind].from_bytes(path.read_bytes())


def test_there_is_a_state_of_every_version_that_was_written():
    kept = {path.stem for path in STATES.glob("*.bin")}
    written = {f"{kind}-v{version}" for kind in KINDS for version in range(1, NULLABLE_VERSION + 1)}
    assert kept == written | {f"online-resampler-v{PAUSED_VERSION}"}


def _rows(first, last):
    """Rows that no generator's stream enters: two numbers and a category; one row in nine is of the rare class."""
    i = np.arange(first, last)
    rare = i % 9 == 0
    X = np.stack([i * 7919 % 1009 / 1009 + rare, i * 104729 % 997 / 997, i % 3], axis=1)
    return X.astype(np.float32), rare.astype(np.int64), i


def _rows_with_nulls(first, last):
    X, y, i = _rows(first, last)
    X[i % 4 == 1, 0] = np.nan
    X[i % 5 == 2, 2] = np.nan
    return X, y, i


@pytest.mark.parametrize(("version", "rows"), [(FORMAT_VERSION, _rows), (NULLABLE_VERSION, _rows_with_nulls)])
def test_a_saved_resampler_goes_on_as_one_that_was_never_saved(version, rows):
    saved = OnlineResampler.from_bytes((STATES / f"online-resampler-v{version}.bin").read_bytes())
    whole = OnlineResampler(saved.schema, **saved.parameters)
    assert np.count_nonzero(whole.process(*rows(0, 300)).is_synthetic) == saved.stats().synthetic[1] == 96
    want, got = whole.process(*rows(300, 900)), saved.process(*rows(300, 900))
    for name in ("X", "y", "is_synthetic", "row_id", "base_id", "neighbor_id", "step"):
        assert getattr(want, name).tobytes() == getattr(got, name).tobytes()
    assert saved.to_bytes() == whole.to_bytes()


@pytest.mark.parametrize("data", [None, "RSMP", Path("state.bin"), [1, 2]])
def test_what_is_no_bytes_is_refused(data):
    for kind in KINDS.values():
        with pytest.raises(InvalidInputError, match=f"must be bytes, got {type(data).__name__}: give what to_bytes"):
            kind.from_bytes(data)
    with pytest.raises(InvalidInputError, match="saved Thing must be bytes"):
        load_state("Thing", data)


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
        MinorityBuffer.from_bytes(OnlineResampler(FeatureSchema.numeric(list("ab"))).to_bytes())


def test_a_frame_that_is_whole_but_holds_other_arrays_is_refused():
    buffer = MinorityBuffer(2, 30, index="graph")
    meta, arrays = load_state("MinorityBuffer", buffer.to_bytes())
    for name in ("cursor", "lists_d2", "cells_radius"):
        for other in (arrays[name][:-1], arrays[name].astype(np.complex128)):
            with pytest.raises(CorruptStateError, match=f"no fitting {name}"):
                MinorityBuffer.from_bytes(dump_state("MinorityBuffer", meta, arrays | {name: other}))


def test_two_threads_never_parse_at_once(monkeypatch):
    data = dump_state("rows", {}, {f"X{i}": np.zeros((3, 4), dtype=np.float32) for i in range(8)})
    parse, under_way, most = np.lib.format.read_array_header_1_0, [], []

    def _parse(stream):
        under_way.append(stream)
        most.append(len(under_way))
        time.sleep(0.001)  # another thread's turn: CPython 3.11 and 3.12 mistake its depth for this one's
        try:
            return parse(stream)
        finally:
            under_way.pop()

    monkeypatch.setattr(np.lib.format, "read_array_header_1_0", _parse)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda _: load_state("rows", data), range(8)))
    assert max(most) == 1
    assert len(most) == 8 * 8 == sum(len(arrays) for _, arrays in read)
