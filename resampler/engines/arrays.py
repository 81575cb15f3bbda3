"""Arrays that tasks leave for others to map: how they are mapped, and put end to end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.engines.task import Output


def mapped(folder: str | Path, name: str) -> NDArray[Any]:
    """Map an array as kernels take it, without a copy: it may be written to, and its file stays what it is.

    Parameters
    ----------
    folder : str or Path
        Of the task that left it.
    name : str
        Of the array.

    Returns
    -------
    ndarray
        Its pages come from the file as they are touched.
    """
    return np.asarray(np.load(Path(folder) / f"{name}.npy", mmap_mode="c", allow_pickle=False))


def join_arrays(output: Output, folders: Sequence[str], names: Sequence[str]) -> None:
    """Put arrays end to end; a task, which holds none of them in memory.

    Parameters
    ----------
    output : Output
        Gets them.
    folders : sequence of str
        With their parts, one or more.
    names : sequence of str
        Of the arrays.
    """
    for name in names:
        parts = [mapped(folder, name) for folder in folders]
        header = np.lib.format.header_data_from_array_1_0(parts[0])
        header |= {"shape": (sum(len(part) for part in parts), *parts[0].shape[1:]), "fortran_order": False}
        del parts
        with output.path(f"{name}.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for folder in folders:  # mapped one at a time: what was read is given back
                mapped(folder, name).tofile(file)
