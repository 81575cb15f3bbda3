"""How the kernels of the engine are compiled: the less of each, the shorter the wait on a new machine.

A kernel is compiled with all that it calls, and so is each on the way there. So what Python calls is little and does
much, short pieces are `inline`, and what is rare is a kernel of its own that Python calls in between: a search for
lists that have run short, say, is in no kernel that reads lists.
"""

from __future__ import annotations

from numba import njit

# Called by Python. Kernels that allocate nothing need no counting of references: for tuples of arrays, each passing on
# took longer than most kernels do.
entry = njit(cache=True, nogil=True, no_cfunc_wrapper=True, _nrt=False)
# Called by kernels only.
inner = njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
# They or what they are called by allocate.
allocating = njit(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=True)
# Part of the kernels that call it.
inline = njit(cache=True, inline="always")
