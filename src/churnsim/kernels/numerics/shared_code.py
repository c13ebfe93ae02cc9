"""Kernels that call each other are optimised together, once.

Numba optimises each compiled function and makes machine code of it by itself, and does both again, with all that it
calls, for each function that calls it: of a kernel that is called five calls deep six times. Here a kernel that another
one calls is only translated to LLVM's language. The kernel that Python calls takes in all that it needs, and is
optimised and made machine code of once; it alone is stored on disk. Nobody else reaches what it took in, so that
arguments which a function does not use are not passed to it: most of the two hundred words of the engine's tables.
While it is compiled, numba also remembers what an operation is on given types, which it would look up anew for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

compiler: Any
BaseFunction: Any
ConfigStack: Any
JITCodeLibrary: Any
global_compiler_lock: Any
make_concrete_template: Any
try:  # private names of numba
    from numba.core import compiler
    from numba.core.codegen import JITCodeLibrary
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.targetconfig import ConfigStack
    from numba.core.types.functions import BaseFunction
    from numba.core.typing.templates import make_concrete_template
except ImportError:
    JITCodeLibrary = None


def _library_class() -> Any:
    class Translated(JITCodeLibrary):  # type: ignore[misc]
        """Code in LLVM's language, to be taken into other libraries."""

        _shared_module: Any
        apart = False  # whether its function stays one

        def _ensure_finalized(self) -> None:
            """Nothing: it is optimised where it is used."""

        def add_linking_library(self, library: Any) -> None:
            """Remember what the code calls; who takes in the code takes in that too."""
            if library not in self._linking_libraries:
                super().add_linking_library(library)

        def add_ir_module(self, module: Any) -> None:
            """Take the code, marked where it stays a function: once read, older llvmlite would mark it wrongly."""
            for function in module.functions:
                if self.apart and not function.is_declaration:
                    function.attributes.add("noinline")
            super().add_ir_module(module)

        def _get_module_for_linking(self) -> Any:
            if self._shared_module is None:
                for function in self._final_module.functions:
                    # As numba does: several copies may meet, and those that nothing calls any more are dropped.
                    if not function.is_declaration and function.linkage.name == "external":
                        function.linkage = "linkonce_odr"
                self._shared_module = self._final_module
            return self._shared_module

    return Translated


def _compiler_class() -> Any:
    class Whole(JITCodeLibrary):  # type: ignore[misc]
        """The code of a kernel that Python calls, with all that it calls."""

        _final_module: Any

        def _optimize_final_module(self) -> None:
            # Only where functions stay apart: elsewhere LLVM would put more in the place of calls than is good. Not
            # "internal": such names too would be found for the functions of other modules, which pass all arguments.
            if any(getattr(library, "apart", False) for library in self._linking_libraries):
                for function in self._final_module.functions:
                    if not function.is_declaration and function.linkage.name == "linkonce_odr":
                        function.linkage = "private"
            super()._optimize_final_module()

    class Compiler(compiler.Compiler):  # type: ignore[misc]
        """Numba's, into such a library."""

        def compile_extra(self, function: Any) -> Any:
            if self.state.library is None:
                self.state.library = Whole(self.state.targetctx.codegen(), function.__qualname__)
                self.state.library.enable_object_caching()
            return super().compile_extra(function)

    return Compiler


def _flags_class() -> Any:
    same = hash(compiler.Flags())  # of the options' names alone

    class Flags(compiler.Flags):  # type: ignore[misc]
        """Numba's, compared by what is set.

        Numba looks them up for each operation and reads two dozen options each time: a tenth of what compiling takes.
        """

        __slots__ = ()
        _values: dict[str, Any]

        def __hash__(self) -> int:
            return same

        def __eq__(self, other: object) -> Any:
            return self is other or self._values == getattr(other, "_values", None) or super().__eq__(other)

    return Flags


_Translated: Any = _library_class() if JITCodeLibrary is not None else None
_Compiler: Any = _compiler_class() if JITCodeLibrary is not None else None
_Flags: Any = _flags_class() if JITCodeLibrary is not None else None


def _call_type_of(find: Any) -> Any:
    known: dict[Any, tuple[Any, Any]] = {}

    def call_type(function: Any, context: Any, arguments: Any, keywords: Any) -> Any:
        """The types of a call of `function`, such as +, as `find` has told for the same types and options before."""
        options = repr(getattr(ConfigStack.top_or_none(), "_values", None))
        called = id(function), id(context), tuple(arguments), tuple(keywords.items()), options
        if called not in known:
            signature = find(function, context, arguments, keywords)
            known[called] = signature, (function, context, function._impl_keys[signature.args])
        signature, (*_, code) = known[called]
        function._impl_keys[signature.args] = code  # which other options may have replaced
        return signature

    return call_type


_call_type: Any = _call_type_of(BaseFunction.get_call_type) if JITCodeLibrary is not None else None


@contextmanager
def _quickly() -> Iterator[None]:
    """Inside the block, what numba asks for each operation anew is answered from memory: a tenth of compiling."""
    with global_compiler_lock:
        as_numba = compiler.Flags, BaseFunction.get_call_type
        compiler.Flags, BaseFunction.get_call_type = _Flags, _call_type
        try:
            yield
        finally:
            compiler.Flags, BaseFunction.get_call_type = as_numba


def compile_quickly(dispatcher: Any) -> Any:
    """Let this function of `numba.njit` be compiled in less time, to the same code; returns the dispatcher.

    Code of others is compiled as before.
    """

    def in_less_time(signature: Any) -> Any:
        with _quickly():
            return type(dispatcher).compile(dispatcher, signature)

    if _Translated is not None and hasattr(dispatcher, "compile"):
        dispatcher.compile = in_less_time
    return dispatcher


def optimise_with_callers(dispatcher: Any, options: dict[str, Any], *, apart: bool = False) -> Any:
    """Let kernels that call this function of `numba.njit` take in its code untouched; returns the dispatcher.

    What is `apart` remains a function there, where LLVM would often put its code in the place of each call.
    Called from Python it is compiled by numba as any other. Where numba lacks the private names used here nothing is
    changed: compiling takes longer, with the same results.
    """
    if _Translated is None or not hasattr(dispatcher, "get_call_template"):
        return dispatcher
    made: dict[Any, tuple[Any, Any]] = {}
    target = dispatcher.targetdescr
    dispatcher._compiler.pipeline_class = _Compiler

    def translate(kinds: Any) -> tuple[Any, Any]:
        flags = _Flags()
        target.options.parse_as_flags(flags, options)
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        library = _Translated(target.target_context.codegen(), dispatcher.py_func.__qualname__)
        library.apart = apart
        done = compiler.compile_extra(
            target.typing_context, target.target_context, dispatcher.py_func, kinds, None, flags, {}, library=library
        )
        entry = object()
        target.target_context.insert_user_function(entry, done.fndesc, [library, *library._linking_libraries])
        return entry, done.signature

    def template_of(arguments: Any, keywords: dict[str, Any]) -> Any:
        python_signature, kinds = dispatcher.fold_argument_types(arguments, keywords)
        kinds = tuple(kinds)
        if kinds not in made:
            made[kinds] = translate(kinds)
        name = f"CallTemplate({dispatcher.py_func.__name__})"
        signatures = [signature for _, signature in made.values()]
        return make_concrete_template(name, dispatcher.py_func.__name__, signatures), python_signature, kinds, {}

    dispatcher.get_call_template = template_of
    dispatcher.get_overload = lambda kinds: made[tuple(kinds)][0]
    return dispatcher
