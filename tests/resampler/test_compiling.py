import pytest
from numba import config, njit

from resampler import OnlineResampler, compiling
from resampler.compiling import keeps_kernels, must_compile, watch_compiler


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
