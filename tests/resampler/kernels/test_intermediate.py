"""A release of Numba that lacks what intermediate code takes compiles kernels as any other (more in test_cache.py)."""

import numba
import pytest
from numba.core import codegen

from resampler.kernels import intermediate
from resampler.kernels.intermediate import IntermediateCompiler, IntermediateLibrary


@pytest.mark.compiled
@pytest.mark.parametrize("lacking", [(), ("_of_another_release",)])
def test_kernels_are_compiled_whatever_numba_has(monkeypatch, lacking):
    monkeypatch.setattr(intermediate, "_TAKEN", intermediate._TAKEN + lacking)
    inner = numba.njit(pipeline_class=IntermediateCompiler, no_cpython_wrapper=True)(lambda a, b: a // b)
    entry = numba.njit(lambda a, b: inner(a, b) + 1)
    assert entry(7, 2) == 4
    with pytest.raises(ZeroDivisionError):
        entry(7, 0)
    (compiled,) = inner.overloads.values()
    assert isinstance(compiled.library, IntermediateLibrary) != bool(lacking)


def test_before_numba_0_62_its_own_passes_tidy_up(monkeypatch):
    tidied = []
    monkeypatch.setattr(
        codegen.JITCodeLibrary, "_optimize_functions", lambda _, module: tidied.append(module), raising=False
    )
    library = IntermediateLibrary.__new__(IntermediateLibrary)
    library._codegen = object()  # without what builds passes
    library._optimize_functions("module")
    assert tidied == ["module"]
