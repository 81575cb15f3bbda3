"""The environment of the image, as its Dockerfile says, and machines of another make on which it may be run."""

from __future__ import annotations

import re
from pathlib import Path

DOCKERFILE = Path(__file__).resolve().parents[2] / "deploy" / "docker" / "Dockerfile"

# Put before a program: as far as the compiler can see, it runs on the processor that is named, without AVX-512.
OTHER_HOST = """
import llvmlite.binding as _llvm

_features = _llvm.get_host_cpu_features()
_features.update({name: False for name in _features if name.startswith(("avx512", "avx10"))})
_llvm.get_host_cpu_name = lambda: "haswell"
_llvm.get_host_cpu_features = lambda: _features
"""


def instructions():
    """Return the instructions of the Dockerfile: of each its name and the words behind it, lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def compiler_environment():
    """Return what the image sets of Numba's environment; arguments have their defaults."""
    given = {}
    for name, words in instructions():
        if name == "ARG":
            key, _, value = words.partition("=")
            given[key] = value
    environment = {}
    for name, words in instructions():
        if name == "ENV":
            environment |= dict(pair.partition("=")[::2] for pair in words.split())
    filled = {key: re.sub(r"\$\{(\w+)\}", lambda found: given[found[1]], value) for key, value in environment.items()}
    return {key: value for key, value in filled.items() if key.startswith("NUMBA_")}
