"""A call site: a place from which a kernel is always called with arguments of the same types.

To find the compiled version that fits, Numba looks at the type of every array in every state that it is given: of a
buffer that takes 7 us, where unpacking the arrays takes 2. A call site asks once and remembers the answer, as inline
caches do.
"""

from __future__ import annotations


class CallSite:
    """A kernel, and the version of it that fitted the first arguments.

    Whoever calls sees to it that types, dtypes and layouts stay those of the first call: all that is passed was
    allocated or checked here (`resampler.layout`).

    Parameters
    ----------
    kernel : callable
        What `resampler.kernels.jit.entry` or `njit` made; one that is not compiled is called as it is.
    """

    __slots__ = ("_call", "_kernel")

    def __init__(self, kernel):
        self._kernel = kernel
        self._call = None

    def __call__(self, *arguments):
        """Call the kernel; return what it returns."""
        if self._call is None:
            found = self._kernel(*arguments)
            self._call = _version_for(self._kernel, arguments)
            return found
        return self._call(*arguments)

    def __reduce__(self):
        """Copy and pickle the kernel alone: machine code belongs to its process."""
        return CallSite, (self._kernel,)


def _version_for(kernel, arguments):
    """Return what Numba calls for these arguments; the kernel itself where that cannot be told."""
    versions = getattr(kernel, "overloads", {})
    version = versions.get(tuple(map(kernel.typeof_pyval, arguments))) if versions else None
    return kernel if version is None else version.entry_point
