"""How the kernels of the engine are compiled: the less of each, the shorter the wait on a new machine.

A kernel that Python calls is optimised and made machine code of with all that it calls; what only kernels call stops
at intermediate code (`resampler.kernels.intermediate`). So what Python calls is little and does much, short pieces are
`inline`, long ones `fused` (Numba's work on a kernel grows faster than its length, and another process can take one of
its own), and what is rare is a kernel that Python calls in between: what only reads lists, say, holds no search for
those that have run short.

What stands for vector instructions is typed and lowered where it is called (`resampler.kernels.twin`): it is no
`numba.extending.overload`. An overload that is put into a kernel has Numba remove dead code there, and as Numba loses
sight of arrays in tuples that are unpacked or made, it takes stores to them for dead.
"""

from __future__ import annotations

import numba

from resampler.kernels.cache import attach_cache
from resampler.kernels.intermediate import IntermediateCompiler


def njit(**options):
    """Return a decorator that compiles a function, and keeps the outcome in the checked cache.

    No C code calls it: the wrapper for that is left out.
    """

    def decorate(function):
        return attach_cache(numba.njit(**{"no_cfunc_wrapper": True, **options})(function))

    return decorate


# Called by Python. Kernels that allocate nothing need no counting of references: for tuples of arrays, each passing on
# took longer than most kernels do.
entry = njit(nogil=True, _nrt=False)
# Called by kernels only.
_called = {"nogil": True, "no_cpython_wrapper": True, "pipeline_class": IntermediateCompiler}
inner = njit(**_called, _nrt=False)
# Like `inner`, but part of the machine code of the kernels that call it, however long: it costs no call.
fused = njit(**_called, _nrt=False, forceinline=True)
# Like `inner`, but they or what they are called by allocate.
allocating = njit(**_called, _nrt=True)
# Part of the kernels that call it, typed with each of them.
inline = njit(inline="always")
