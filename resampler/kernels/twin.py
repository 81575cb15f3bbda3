"""A Python function's compiled twin: the instructions that kernels run where they call it.

`numba.extending.intrinsic` makes a function that runs in kernels alone, and `numba.extending.overload` compiles a
function in between for every set of types, which takes as long as a small kernel. A twin takes the place of the
function itself, which still runs where there is no compiler.
"""

from __future__ import annotations

from numba import types
from numba.core.typing.templates import infer, infer_global, make_intrinsic_template


def twin_of(function):
    """Return a decorator of what writes a function's instructions.

    Parameters
    ----------
    function : callable
        What kernels call.

    Returns
    -------
    callable
        Takes a function like those that `numba.extending.intrinsic` takes: of the typing context and the arguments'
        types, to the signature and what generates the instructions.
    """

    def register(write):
        template = make_intrinsic_template(function, write, function.__name__)
        infer(template)
        infer_global(function, types.Function(template))
        return write

    return register
