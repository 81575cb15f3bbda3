"""What is never taken, by the types of the arguments, is not compiled."""

import numba
import numpy as np
import pytest

from resampler.kernels.absent import PruningCompiler


@numba.njit
def not_for_arrays(values):
    return values.no_such_attribute


@pytest.mark.compiled
def test_a_branch_for_none_is_compiled_where_there_is_none():
    @numba.njit(pipeline_class=PruningCompiler)
    def first(values, otherwise):
        if values is None:
            return not_for_arrays(otherwise)
        if otherwise is not None:
            return values[0]
        return not_for_arrays(values)

    assert first(np.array([3.0]), np.array([4.0])) == 3.0
    assert first(np.array([3.0]), (4.0,)) == 3.0
    with pytest.raises(numba.TypingError, match="no_such_attribute"):
        first(None, np.array([4.0]))
    with pytest.raises(numba.TypingError, match="no_such_attribute"):
        first(np.array([3.0]), None)


@pytest.mark.compiled
def test_what_may_be_none_is_compared_when_it_runs():
    @numba.njit(pipeline_class=PruningCompiler)
    def first(values, n):
        chosen = values if n > 0 else None
        return -1.0 if chosen is None else chosen[0]

    assert first(np.array([3.0]), 1) == 3.0
    assert first(np.array([3.0]), 0) == -1.0
