"""Kernels that call vector instructions take arrays so that Numba sees whose they are (`resampler.kernels.jit`)."""

import ast
from pathlib import Path

import pytest

import resampler.kernels

ROOT = Path(resampler.kernels.__file__).parents[2]
LANES = "resampler.kernels.simd.lanes"


def functions_of(module, source):
    """Return the functions of a module by (module, name), and what its other names mean, in the same form."""
    functions, names = {}, {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            functions[module, node.name] = node
            names[node.name] = module, node.name
        elif isinstance(node, ast.ImportFrom):
            names.update({alias.asname or alias.name: (node.module, alias.name) for alias in node.names})
    return functions, names


class Kernels:
    """The functions of some modules, and which of them are pieces of which."""

    def __init__(self, sources):
        self.functions, self.names = {}, {}
        for module, source in sources.items():
            functions, self.names[module] = functions_of(module, source)
            self.functions.update(functions)

    def called(self, key):
        """Return the functions that one calls by name."""
        names = self.names[key[0]]
        calls = [node.func for node in ast.walk(self.functions[key]) if isinstance(node, ast.Call)]
        return {names[name.id] for name in calls if isinstance(name, ast.Name) and name.id in names}

    def is_inline(self, key):
        decorators = [ast.unparse(d) for d in self.functions[key].decorator_list] if key in self.functions else []
        return any(d == "inline" or "inline=" in d for d in decorators)

    def is_compiled(self, key):
        return bool(self.functions[key].decorator_list) and key[0] != LANES

    def pieces(self, key):
        """Return the inline functions that become part of one, and itself."""
        found, left = {key}, [key]
        while left:
            new = {callee for callee in self.called(left.pop()) if self.is_inline(callee)} - found
            found |= new
            left += new
        return found

    def lost(self):
        """Return where kernels that call the vector instructions take arrays in a way that Numba does not follow."""
        faults = set()
        for kernel in self.functions:
            pieces = self.pieces(kernel) if self.is_compiled(kernel) else ()
            if any(module == LANES for piece in pieces for module, _ in self.called(piece)):
                for piece in pieces:
                    faults |= {
                        f"{piece[0]}:{node.lineno}: {ast.unparse(node)}"
                        for node in ast.walk(self.functions[piece])
                        if is_lost(node, piece_of_another=piece != kernel)
                    }
        return sorted(faults)


def may_be_array(node):
    return isinstance(node, ast.Attribute | ast.Subscript) or (isinstance(node, ast.Name) and not node.id.isupper())


def is_lost(node, *, piece_of_another):
    """Say whether a statement or call takes arrays through a tuple, or by another type."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
        if isinstance(node.value, ast.Tuple):
            return len(node.value.elts) > 3 and any(map(may_be_array, node.value.elts))
        return may_be_array(node.value) and not ast.unparse(node.value).endswith(".shape")
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        return piece_of_another and any(isinstance(e, ast.Attribute | ast.Subscript) for e in node.value.elts)
    if isinstance(node, ast.For):
        return isinstance(node.target, ast.Tuple)
    if isinstance(node, ast.Call):
        made = isinstance(node.func, ast.Name) and node.func.id[0].isupper()
        return made or (isinstance(node.func, ast.Attribute) and node.func.attr == "view")
    return False


def test_no_kernel_takes_arrays_in_a_way_that_loses_its_stores():
    files = [path for wing in ("resampler", "stream") for path in sorted((ROOT / wing / "kernels").rglob("*.py"))]
    kernels = Kernels({".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text() for path in files})
    search, walk = "resampler.kernels.buffer.search", "resampler.kernels.buffer.walk"
    assert (LANES, "prefetch") in kernels.called((walk, "prefetch_cell"))
    assert (walk, "prefetch_cell") in kernels.pieces((search, "search_cells"))
    assert kernels.lost() == []


HEAD = "from resampler.kernels.simd.lanes import prefetch\n"
PIECE = "@inline\ndef ask(v):\n    prefetch(v, 0)\n"


@pytest.mark.parametrize(
    ("taken", "lost"),
    [
        ("x = s.x", False),
        ("x, y, z = s.x, s.y, s.z", False),
        ("x, y, z = s.x.shape", False),
        ("x, y, z = find(s)", False),
        ("a, b, c, d = 0, 0.0, NONE, find(s)", False),
        ("x, y = s", True),
        ("x, y = s.graph", True),
        ("x, y, z, w = s.x, s.y, s.z, s.w", True),
        ("t = State(s.x, s.y)", True),
        ("x = s.x.view(float)", True),
    ],
)
@pytest.mark.parametrize("body", ["{}\n    prefetch(v, 0)\n", "{}\n    ask(v)\n", "ask(v)\n    take(s)\n"])
def test_what_loses_stores_is_found_in_a_kernel_and_in_its_pieces(taken, lost, body):
    take = f"@inline\ndef take(s):\n    {taken}\n"
    kernel = f"@inner\ndef kernel(s, v):\n    {body.format(taken)}"
    assert bool(Kernels({"m": HEAD + PIECE + take + kernel}).lost()) == lost
    assert not Kernels({"m": PIECE + take + kernel}).lost()


def test_arrays_that_a_piece_returns_side_by_side_are_found():
    piece = "@inline\ndef both(s):\n    return s.x, s.y\n"
    kernel = "@inner\ndef kernel(s, v):\n    x, y = both(s)\n    prefetch(v, 0)\n"
    assert Kernels({"m": HEAD + piece + kernel}).lost() == ["m:4: return (s.x, s.y)"]
