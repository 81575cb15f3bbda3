import numpy as np
import pytest
from numba import config, njit

from resampler import MinorityBuffer, OnlineResampler, compiling
from resampler.compiling import compile_search, keeps_kernels, must_compile, watch_compiler
from resampler.kernels.buffer.search import find
from resampler.kernels.cache import CheckedCache


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


@pytest.mark.compiled
@pytest.mark.parametrize("nullable", [(), (0,)])
def test_the_search_is_compiled_as_insertions_call_it(nullable):
    compile_search(MinorityBuffer(2, 4, 1, nullable_features=nullable).ring)
    before = set(find.signatures)
    MinorityBuffer(2, 4, 1, nullable_features=nullable).insert(np.eye(2, dtype=np.float32), np.arange(2))
    assert set(find.signatures) == before


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
