import numpy as np
import pytest
from numba import config, njit

from resampler import FeatureSchema, OnlineResampler, compiling
from resampler.buffer.minority import EXACT_CAPACITY
from resampler.compiling import compile_insertion, compile_making, keeps_kernels, must_compile, watch_compiler
from resampler.kernels.buffer import penalty, ring, search
from resampler.kernels.cache import CheckedCache
from resampler.kernels.online import operations


def test_kernels_are_compiled_where_the_cache_had_none(monkeypatch):
    misses = {}
    kernel = type("Kernel", (), {"stats": type("Stats", (), {"cache_misses": misses})})
    monkeypatch.setattr(compiling, "encode", kernel)
    assert not must_compile()  # loaded
    process = OnlineResampler.process
    monkeypatch.setattr(OnlineResampler, "process", lambda *a: (misses.update(signature=1), process(*a)))
    assert must_compile()
    assert not must_compile()  # of a second worker of this process
    monkeypatch.setattr(compiling, "encode", object())  # without the compiler
    assert not must_compile()
    assert not keeps_kernels()


def test_an_empty_cache_is_seen_without_compiling(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiling, "OnlineResampler", None)
    kernel = type(
        "Kernel", (), {"_cache": CheckedCache(test_an_empty_cache_is_seen_without_compiling), "overloads": {}}
    )
    monkeypatch.setattr(compiling, "encode", kernel)
    assert must_compile()


INSERTION = search.find, ring.arrive, ring.take_slot, ring.insert
MAKING = search.scan_newcomers, search.measure, search.update_affected, search.note_rows, penalty.follow_spread


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("compile_kernels", "kernels", "capacity", "nullable"),
    [
        (compile_insertion, INSERTION, EXACT_CAPACITY + 1, []),
        (compile_insertion, INSERTION, 4, []),
        (compile_insertion, INSERTION, 4, ["a"]),
        (compile_making, (*MAKING, operations.advance), EXACT_CAPACITY + 1, []),
    ],
)
def test_kernels_are_compiled_as_rows_that_come_call_them(compile_kernels, kernels, capacity, nullable):
    schema = FeatureSchema.numeric(["a", "b"], label="y").with_rules(nullable, None)
    online = OnlineResampler(schema, ratio=1.0, k_neighbors=1, capacity=capacity)
    compile_kernels(online._new_bases().buffer.ring)
    before = [set(kernel.signatures) for kernel in kernels]
    for i in range(0, 8, 2):
        online.process(np.eye(2, dtype=np.float32), np.array([0, 1]), np.arange(i, i + 2))
    assert [set(kernel.signatures) for kernel in kernels] == before


def test_kernels_are_kept_where_the_cache_can_be_written_to(monkeypatch, tmp_path):
    for folder, kept in ((tmp_path, True), (tmp_path / "gone", False), (None, False)):
        kernel = type("Kernel", (), {"_cache": type("Cache", (), {"cache_path": folder})})
        monkeypatch.setattr(compiling, "encode", kernel)
        assert keeps_kernels() is kept


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
def test_the_compiler_is_seen_at_work():
    kernel = njit(lambda a: a + 1)
    with watch_compiler() as watch:
        assert not watch.done
        kernel(1)
    assert watch.done
    with watch_compiler() as watch:
        kernel(2)
    assert not watch.done
