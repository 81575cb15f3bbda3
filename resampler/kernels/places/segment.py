"""On the segment between the parents: ``base + step * (neighbor - base)``.

References
----------
Chawla, Bowyer, Hall, Kegelmeyer: SMOTE. JAIR 16 (2002), section 4.2, doi:10.1613/jair.953.
"""

from __future__ import annotations

from resampler.kernels.jit import inline


@inline
def interpolate_row(base, neighbor, step, out):
    """Write the row that lies `step` of the way towards the neighbour; where either is null, the base's cell."""
    for j in range(out.shape[0]):
        value = base[j] + step * (neighbor[j] - base[j])
        out[j] = value if value == value else base[j]  # NaN alone is not itself


@inline
def place(base, neighbor, step, _w0, _w1, _w2, _w3, _seed, _width, out):
    """Write the row that lies `step` of the way towards the neighbour."""
    interpolate_row(base, neighbor, step, out)
