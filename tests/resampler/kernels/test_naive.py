"""Every kernel is compared with a naive loop; where one is not, its module says what checks it, and why."""

import ast
import re
from pathlib import Path

import pytest
from naive.generation import PLACES

from resampler.kernels.places import PLACES as PLACE_FILES

ROOT = Path(__file__).resolve().parents[3]
TESTS = ROOT / "tests"
NAIVE = sorted((TESTS / "naive").glob("*.py"))
COMPILED = {"entry", "inner", "fused", "inline", "allocating", "njit", "intrinsic"}
LINE = re.compile(r"^Naive: (.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def kernels_in(source):
    """Return the names of a module's compiled functions."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    decorated = [(node.name, {ast.unparse(d).split("(")[0] for d in node.decorator_list}) for node in functions]
    return {name for name, decorators in decorated if decorators & COMPILED}


KERNELS = {
    name_of(path): path.read_text()
    for wing in ("resampler", "stream")
    for path in sorted((ROOT / wing / "kernels").rglob("*.py"))
    if kernels_in(path.read_text())
}


def compared_by(source):
    """Return what a test imports, as (module, name), if it imports a naive loop too."""
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    found = {(node.module, alias.name) for node in imports for alias in node.names}
    return found if any(module.split(".")[0] == "naive" for module, _ in found) else set()


COMPARED = {pair for path in TESTS.rglob("test_*.py") for pair in compared_by(path.read_text())}


def is_compared(module):
    package, _, name = module.rpartition(".")
    if package.endswith(".places"):
        return name in PLACES
    return (package, name) in COMPARED or any((module, kernel) in COMPARED for kernel in kernels_in(KERNELS[module]))


@pytest.mark.parametrize("module", KERNELS)
def test_a_kernel_has_a_naive_loop_or_says_what_checks_it(module):
    line = LINE.search(ast.get_docstring(ast.parse(KERNELS[module])) or "")
    if line is None:
        assert is_compared(module), f"{module}: no test imports it beside a naive loop; compare it, or add 'Naive: ...'"
        return
    named = re.findall(r"tests/[\w/]+\.py", line[1])
    assert named, f"{module}: its line on naive loops must name the test that checks it"
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_a_place_is_compared_under_its_files_name():
    assert sorted(PLACES) == sorted(PLACE_FILES)


@pytest.mark.parametrize("path", NAIVE, ids=lambda path: path.stem)
def test_a_naive_loop_that_nothing_calls_goes(path):
    bodies = ast.parse(path.read_text()).body
    defined = {node.name for node in bodies if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    elsewhere = "\n".join(other.read_text() for other in TESTS.rglob("*.py") if other != path)
    here = [node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)]
    assert {name for name in defined if name not in here and not re.search(rf"\b{name}\b", elsewhere)} == set()
