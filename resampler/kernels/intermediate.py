"""Kernels that only kernels call: kept as LLVM's intermediate code, made machine code in those that Python calls.

Numba optimises each kernel with all that it calls, and makes machine code of it, though a caller takes in its
intermediate code and does both again: a kernel four calls deep was compiled five times. Here a kernel that Python
cannot call stops at its intermediate code, which the cache keeps as well.

That takes parts of Numba that are its own affair. Where a release has them no more, or not yet, these kernels are
compiled as any other: to the same code, later.
"""

from __future__ import annotations

import llvmlite.binding as llvm
from numba.core import codegen
from numba.core.compiler import CompileResult

from resampler.kernels.absent import PruningCompiler

KIND = "intermediate"  # of what is saved: Numba's own kinds are "object" and "bitcode"
_TAKEN = (  # of Numba's libraries
    "_codegen",
    "_final_module",
    "_finalize_dynamic_globals",
    "_finalized",
    "_get_module_for_linking",
    "_linking_libraries",
    "_raise_if_finalized",
    "_shared_module",
    "_verify_declare_only_symbols",
    "enable_object_caching",
)


class IntermediateLibrary(getattr(codegen, "JITCodeLibrary", object)):
    """The code of one kernel and of all that it calls, as its callers take it in."""

    @property
    def codegen(self):
        """What compiles it; there is no machine code whose environment could be set."""
        return _WithoutEnvironments(self._codegen)

    def _optimize_functions(self, ll_module):
        """Tidy each function up; what Python calls is optimised in full, with this in it."""
        if not hasattr(self._codegen, "_pass_builder"):  # before Numba 0.62, whose passes are told otherwise
            super()._optimize_functions(ll_module)
            return
        ll_module.data_layout = self._codegen._data_layout
        for function in ll_module.functions:
            if not function.is_declaration:
                passes, builder = self._codegen._function_pass_manager(opt=1)
                passes.run(function, builder)

    def finalize(self):
        """Put in what is called, and leave the rest to the callers."""
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            if hasattr(self, "_reload_init"):  # since Numba 0.63
                self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name):  # noqa: ARG002 - Numba's signature
        """Return 0: nothing here has an address."""
        return 0

    def serialize_using_object_code(self):
        """Return what the cache keeps."""
        return self.name, KIND, self._get_module_for_linking().as_bitcode()


class _WithoutEnvironments:
    def __init__(self, codegen):
        self._codegen = codegen

    def set_env(self, name, env):
        """Do nothing: kernels without Python objects read no environment."""

    def __getattr__(self, name):
        return getattr(self._codegen, name)


class IntermediateCompiler(PruningCompiler):
    """Numba's compiler, for a kernel that only kernels call."""

    def compile_extra(self, func):
        """Compile it, into a library of the above kind if Numba has what that takes."""
        if hasattr(codegen, "JITCodeLibrary"):
            library = IntermediateLibrary(self.state.targetctx.codegen(), func.__qualname__)
            if all(hasattr(library, name) for name in _TAKEN):
                library.enable_object_caching()
                self.state.library = library
        return super().compile_extra(func)


def rebuild(target_context, payload):
    """Return the compiled kernel that the cache has kept."""
    (name, _, bitcode), fndesc, environment, signature, objectmode, lifted, annotation, reload_init, _ = payload
    for again in reload_init:
        again()
    library = IntermediateLibrary(target_context.codegen(), name)
    library._final_module = library._shared_module = llvm.parse_bitcode(bitcode)
    library._finalized = True
    return CompileResult(
        target_context=target_context,
        typing_context=target_context.typing_context,
        library=library,
        environment=environment,
        entry_point=target_context.get_executable(library, fndesc, environment),
        fndesc=fndesc,
        type_annotation=annotation,
        signature=signature,
        objectmode=objectmode,
        lifted=lifted,
        typing_error=None,
        call_helper=None,
        metadata=None,
        reload_init=reload_init,
        referenced_envs=(),
    )
