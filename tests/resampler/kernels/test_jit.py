"""No kernel uses `numba.extending.overload`, for the reason in `resampler.kernels.jit`."""

import ast
from pathlib import Path

import resampler.kernels

ROOT = Path(resampler.kernels.__file__).parents[2]


def test_no_kernel_is_an_overload():
    files = [path for wing in ("resampler", "stream") for path in sorted((ROOT / wing / "kernels").rglob("*.py"))]
    named = [node.id for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)]
    assert "twin_of" in named
    assert "overload" not in named
