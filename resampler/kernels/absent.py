"""`x is None` of an argument, decided by its type: a branch that is never taken is not compiled.

Numba leaves a branch out where the argument is None, but keeps it where it is an array: kernels of a buffer with cells
were compiled with the search of one without.
"""

from __future__ import annotations

import operator

from numba.core import ir, types
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.ir_utils import get_definition, guard
from numba.core.untyped_passes import IRProcessing

_NEVER_NONE = types.Array, types.BaseTuple


@register_pass(mutates_CFG=False, analysis_only=False)
class DecideAbsence(FunctionPass):
    """Put in what comparisons of array and tuple arguments with None come to; Numba's next pass drops the branches."""

    _name = "decide_absence"

    def __init__(self):
        super().__init__()

    def run_pass(self, state):
        """Run on one function; return whether anything was put in."""
        found = False
        for block in state.func_ir.blocks.values():
            for assignment in block.find_insts(ir.Assign):
                if _is_decided(assignment.value, state):
                    _replace(assignment, assignment.value.fn is operator.is_not, state.func_ir)
                    found = True
        return found


def _is_decided(value, state):
    if not isinstance(value, ir.Expr) or value.op != "binop" or value.fn not in (operator.is_, operator.is_not):
        return False
    compared = guard(get_definition, state.func_ir, value.lhs)
    if not isinstance(compared, ir.Arg) or not isinstance(state.args[compared.index], _NEVER_NONE):
        return False
    other = guard(get_definition, state.func_ir, value.rhs)
    return isinstance(other, ir.Const) and other.value is None


def _replace(assignment, value, func_ir):
    definitions = func_ir._definitions[assignment.target.name]
    at = definitions.index(assignment.value)
    definitions[at] = assignment.value = ir.Const(value, assignment.loc)


class PruningCompiler(Compiler):
    """Numba's compiler, with this pass."""

    def define_pipelines(self):
        """Return Numba's passes with it among them."""
        pipelines = super().define_pipelines()
        for passes in pipelines:
            passes.add_pass_after(DecideAbsence, IRProcessing)
            passes.finalize()
        return pipelines
