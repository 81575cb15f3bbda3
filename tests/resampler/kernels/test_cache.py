"""The compiler's cache: what is damaged is removed, said once, compiled again; what cannot be kept stops nothing."""

import importlib.util
import os
import subprocess
import sys
import warnings

import numba
import numpy as np
import pytest

from resampler.kernels import cache
from resampler.kernels.cache import KernelCacheWarning
from resampler.kernels.jit import njit

pytestmark = pytest.mark.compiled  # without the compiler there is no cache

SOURCE = """
from resampler.kernels.jit import njit

@njit(nogil=True)
def twice(x):
    return x + x
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Return what imports a module with one kernel as a new process would; its cache is a directory of its own."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    source = tmp_path / "kernels.py"
    source.write_text(SOURCE)

    def fresh():
        monkeypatch.setattr(cache, "_warned", [])
        spec = importlib.util.spec_from_file_location("kernels", source)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.twice

    return fresh


def files(tmp_path):
    return {path.suffix: path for path in (tmp_path / "cache").rglob("*.nb?")}


DAMAGE = {
    "empty": lambda _: b"",
    "one byte": lambda content: content[:1],
    "cut in the checksum": lambda content: content[:20],
    "cut behind the checksum": lambda content: content[:32],
    "cut in the middle": lambda content: content[: len(content) // 2],
    "cut by one byte": lambda content: content[:-1],
    "zeros": lambda content: bytes(len(content)),
    "garbage": lambda content: np.random.default_rng(0).bytes(len(content)),
    "one bit": lambda content: content[:-9] + bytes([content[-9] ^ 4]) + content[-8:],
    "longer": lambda content: content + b"\0",
}


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_removed_said_and_compiled_again(load, tmp_path, suffix, damage):
    assert load()(2) == 4
    path = files(tmp_path)[suffix]
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.warns(KernelCacheWarning, match="damaged: it was removed and its kernel is compiled again") as said:
        assert load()(2) == 4
    assert [str(path) in str(warning.message) for warning in said] == [True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = load()
        assert whole(2) == 4
    assert sum(whole.stats.cache_hits.values()) == 1


def test_all_damaged_files_of_a_process_are_said_once(load, tmp_path):
    twice = load()
    assert (twice(2), twice(2.5), twice(2j)) == (4, 5.0, 4j)
    for path in (tmp_path / "cache").rglob("*.nbc"):
        path.write_bytes(b"")
    again = load()
    with pytest.warns(KernelCacheWarning) as said:
        assert (again(2), again(2.5), again(2j)) == (4, 5.0, 4j)
    assert len(said) == 1


def test_a_data_file_of_another_signature_is_passed_over(load, tmp_path):
    twice = load()
    assert (twice(2), twice(2.5)) == (4, 5.0)
    first, second = sorted((tmp_path / "cache").rglob("*.nbc"))
    first.write_bytes(second.read_bytes())  # as if two processes had filled the cache at the same time
    again = load()
    assert (again(2), again(2.5)) == (4, 5.0)


def test_files_that_are_whole_and_hold_nothing_to_link_are_dropped(load, tmp_path):
    twice = load()
    assert twice(2) == 4
    kept = twice._cache._cache_file
    (key,) = kept._load_index()
    kept.save(key, ("nothing", "to", "link"))
    with pytest.warns(KernelCacheWarning, match="damaged"):
        assert load()(2) == 4
    assert load()(2) == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written_to_stops_nothing(load, tmp_path):
    twice = load()
    (directory,) = (tmp_path / "cache").iterdir()
    directory.chmod(0o500)
    try:
        with pytest.warns(KernelCacheWarning, match="cannot be kept in"):
            assert twice(2) == 4
    finally:
        directory.chmod(0o700)


def test_a_cache_that_cannot_be_written_or_read_stops_nothing(load, tmp_path):
    twice = load()
    assert twice(2) == 4
    index = files(tmp_path)[".nbi"]
    index.unlink()
    index.mkdir()
    with pytest.warns(KernelCacheWarning, match=r"\.nbi cannot be read") as said:
        assert load()(2) == 4
    assert len(said) == 1


def test_no_directory_for_a_cache_at_all(monkeypatch):
    monkeypatch.setattr(cache._Impl, "_locator_classes", [])
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "", raising=False)  # since Numba 0.62
    monkeypatch.setattr(cache, "_warned", [])
    with pytest.warns(KernelCacheWarning, match="set NUMBA_CACHE_DIR to a directory that can be written to"):
        twice = njit()(lambda x: x + x)
    assert twice(2) == 4


SCRIPT = """
import numpy as np
from resampler.kernels.random import rank_keys
out = np.empty(3, dtype=np.uint64)
rank_keys(np.uint64(7), 1, np.arange(3), out)
print(out.tolist())
"""


def test_processes_that_find_the_same_damage_at_once_all_get_through(tmp_path):
    run = [sys.executable, "-W", "always", "-c", SCRIPT]
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0"}
    want = subprocess.run(run, env=env, capture_output=True, text=True, check=True)
    assert want.stderr == ""
    torn = list((tmp_path / "cache").rglob("*.rank_keys*.nb?"))
    assert {path.suffix for path in torn} == {".nbi", ".nbc"}
    for path in torn:
        path.write_bytes(path.read_bytes()[:100])
    together = [
        subprocess.Popen(run, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    ended = [process.communicate() for process in together]
    assert [process.returncode for process in together] == [0] * 4, ended
    assert {out for out, _ in ended} == {want.stdout}
    assert all(err.count("KernelCacheWarning:") <= 1 for _, err in ended)
    assert any("is damaged" in err for _, err in ended)
    after = subprocess.run(run, env=env, capture_output=True, text=True, check=True)
    assert (after.stdout, after.stderr) == (want.stdout, "")


@pytest.mark.slow
def test_what_only_kernels_call_is_kept_as_intermediate_code_and_taken_in_by_other_processes(tmp_path):
    source = tmp_path / "kernels.py"
    source.write_text(
        """
import sys
from numba.core import event
from resampler.kernels.jit import entry, inner

@inner
def divide(a, b):
    return a // b

@entry
def first(a, b):
    return divide(a, b)

@entry
def second(a, b):
    return -divide(a, b)

if __name__ == "__main__":
    names = []
    class Compiled(event.Listener):
        def on_start(self, happened):
            names.append(happened.data["dispatcher"].py_func.__name__)
        def on_end(self, happened):
            pass
    event.register("numba:compile", Compiled())
    print(globals()[sys.argv[1]](7, 2), end=" ")
    try:
        globals()[sys.argv[1]](7, 0)
    except ZeroDivisionError:
        print(*names)
"""
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def run(name):
        return subprocess.run(
            [sys.executable, source, name], env=env, capture_output=True, text=True, check=True
        ).stdout

    assert run("first").split() == ["3", "first", "divide"]
    kept = {path.name.split("-")[0]: path.read_bytes() for path in (tmp_path / "cache").rglob("*.nbc")}
    assert b"\x7fELF" in kept["kernels.first"]
    assert b"\x7fELF" not in kept["kernels.divide"]
    assert run("second").split() == ["-3", "second"]  # the other's intermediate code
    assert run("first").split() == ["3"]


def test_a_kernel_that_cannot_be_compiled_keeps_no_other_process_waiting(load, monkeypatch):
    twice, turns = load(), []
    monkeypatch.setattr(cache, "take_turn", lambda *kernel: turns.append(("begun", *kernel)))
    monkeypatch.setattr(cache, "end_turn", lambda *kernel: turns.append(("ended", *kernel)))
    for times in (1, 2):  # Numba remembers what has failed
        with pytest.raises(numba.TypingError):
            twice(None)
        assert turns == [("begun", *turns[0][1:]), ("ended", *turns[0][1:])] * times
