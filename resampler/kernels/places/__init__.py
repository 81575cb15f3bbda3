"""Where a new row lies: a file a place, each with one inline function `place`, found by listing this folder.

``place(base, neighbor, step, w0, w1, w2, w3, seed, width, out)`` writes one row into `out`. `base` and `neighbor` are
its parents, `step` says how far towards the neighbour it is drawn, `w0` to `w3` are the words of its draw, of which
`more_words` makes any number, and `width` is what columns are measured by, or empty. Every operation rounds once in the
rows' own dtype (no fused multiply-add), and only the arguments are read: the same provenance gives the same bits
everywhere. A row inherits the null pattern of its base: null, that is NaN, where the base is; where the neighbour alone
is null, the base's value. What a place does not read begins with an underscore in its signature: a place with `w0`
draws more than a step, and one with `width` is of methods that give one. One that no stream can have says
``BATCH_ONLY = True``.

Naive: `PLACES` of tests/naive/generation.py has one for each place.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import iter_modules

from resampler.kernels.jit import inline

PLACES = tuple(sorted(module.name for module in iter_modules(__path__)))
_MODULES = tuple(import_module(f"{__name__}.{name}") for name in PLACES)
_READ = [inspect.signature(getattr(module.place, "py_func", module.place)).parameters for module in _MODULES]
WIDTHS = tuple("width" in read for read in _READ)  # which places measure columns
DRAWS = tuple(
    "w0" in read or "width" in read for read in _READ
)  # which need more of a provenance than parents and step
STREAMED = tuple(not getattr(module, "BATCH_ONLY", False) for module in _MODULES)


def _chain(codes):
    """Return the function that writes a row by the first of some places or a later one, whichever is asked for."""
    code = codes[0]
    here = _MODULES[code].place
    if len(codes) == 1:

        @inline
        def put(_place, base, neighbor, step, w0, w1, w2, w3, seed, width, out):
            here(base, neighbor, step, w0, w1, w2, w3, seed, width, out)

        return put
    later = _chain(codes[1:])

    @inline
    def put(place, base, neighbor, step, w0, w1, w2, w3, seed, width, out):
        if place == code:
            here(base, neighbor, step, w0, w1, w2, w3, seed, width, out)
        else:
            later(place, base, neighbor, step, w0, w1, w2, w3, seed, width, out)

    return put


put = _chain(tuple(range(len(PLACES))))
# Of the places that a stream's methods have: what is in no kernel takes no time to compile.
put_streamed = _chain(tuple(code for code in range(len(PLACES)) if STREAMED[code]))
