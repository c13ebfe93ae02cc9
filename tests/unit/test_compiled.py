"""Unit: compiled code of other sources is never used, that of the present ones is; plain kernels give the same bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from numba.core import compiler
from numba.core.targetconfig import ConfigStack
from numba.core.types.functions import BaseFunction
from tests.parity.mechanisms import MARKET_PARTS, STRATEGY_PARTS, scenario

import churnsim as cs
from churnsim.kernels.numerics import jit, numba_cache
from churnsim.kernels.numerics.intrinsics import multiply_high, plain_fetch, plain_multiply_high
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.shared_code import _call_type_of, _Flags

MINI = {
    "__init__.py": "",
    "spelling.py": """
from pathlib import Path
import numba
from churnsim.kernels.numerics.numba_cache import cached
from churnsim.kernels.numerics.shared_code import optimise_with_callers

def njit(function):
    return cached(optimise_with_callers(numba.njit(function), {}), Path(__file__).parent)
""",
    "called.py": """
from typing import NamedTuple
from mini.spelling import njit

class Cards(NamedTuple):
    number: int

made = Cards

@njit
def rate(cards):
    return cards.number
""",
    "caller.py": """
from mini.called import made, rate
from mini.spelling import njit

@njit
def twice():
    return 2 * rate(made(1))
""",
}


def python(code, folder, **environment):
    """The JSON that a new process prints."""
    path = os.pathsep.join((str(folder), *sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


CALL = """
import json, pathlib
from churnsim.kernels.numerics.numba_cache import telling_of_compilation
from mini.caller import twice
before = len(list(pathlib.Path({stored!r}).rglob("*.nb?")))
told = []
with telling_of_compilation(lambda: told.append("compiling")):
    twice()
print(json.dumps([twice(), sum(twice.stats.cache_hits.values()), before, len(told)]))
"""


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_caller_is_compiled_anew_when_a_kernel_that_it_calls_has_changed(tmp_path, elsewhere):
    """Also where numba keeps its code in another folder; the index of a stale entry is overwritten. Each compilation is
    told once."""
    package = tmp_path / "mini"
    package.mkdir()
    for name, text in MINI.items():
        (package / name).write_text(text)
    stored = tmp_path / "stored" if elsewhere else package
    environment = {"NUMBA_CACHE_DIR": str(stored)} if elsewhere else {}
    call = CALL.format(stored=str(stored))

    assert python(call, tmp_path, **environment) == [2, 0, 0, 1]  # importing has stored nothing
    files = sorted(stored.rglob("*.nb?"))
    assert len(files) == 2  # an index and the code of the caller, which holds what it calls
    assert python(call, tmp_path, **environment) == [2, 1, 2, 0]
    # A class that the stored index names is gone too.
    changed = MINI["called.py"].replace("Cards", "Views").replace("return cards", "return 3 * cards")
    (package / "called.py").write_text(changed)
    assert python(call, tmp_path, **environment) == [6, 0, 2, 1]
    assert sorted(stored.rglob("*.nb?")) == files


def test_the_digest_is_of_names_and_contents_of_what_is_imported(tmp_path):
    def digest():
        numba_cache.digest_of.cache_clear()
        numba_cache._imported.cache_clear()
        return numba_cache.digest_of(kernel, tmp_path)

    here = tmp_path.name
    kernel = tmp_path / "kernel.py"
    kernel.write_text(f"import math\nfrom {here}.between import (\n    a,\n)\nfrom {here} import other\n")
    (tmp_path / "between.py").write_text(f"def late():\n    import {here}.rule as r\n")
    seen = {digest()}
    changes = (
        lambda: (tmp_path / "rule.py").write_text("f = 1\n"),
        lambda: (tmp_path / "rule.py").write_text("f = 2\n"),
        lambda: (tmp_path / "rule.py").rename(tmp_path / "other.py"),
        lambda: (tmp_path / "rule.py").write_text(""),
    )
    for number, change in enumerate(changes, 2):
        change()
        seen.add(digest())
        assert len(seen) == number
    os.utime(tmp_path / "other.py", ns=(1, 1))
    (tmp_path / "notes.txt").write_text("no source")
    (tmp_path / "apart.py").write_text("no kernel imports this")
    assert digest() in seen
    numba_cache.digest_of.cache_clear()


def test_without_numbas_private_names_nothing_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(numba_cache, "FunctionCache", None)
    function = numba_cache.cached(numba.njit(lambda: 1), tmp_path)
    assert function() == 1
    assert function.stats.cache_path is None


def test_without_a_folder_to_write_to_nothing_is_stored(tmp_path, monkeypatch):
    def nowhere(function):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(numba_cache, "FunctionCache", nowhere)
    function = numba_cache.cached(numba.njit(lambda: 1), tmp_path)
    assert function() == 1
    assert function.stats.cache_path is None


def test_the_product_by_halves_is_the_instructions():
    @numba.njit
    def both(a, b):
        return multiply_high(a, b), plain_multiply_high(a, b)

    @numba.njit
    def nothing(records):
        plain_fetch(records, 0)
        return records[0]

    words = np.random.default_rng(1).integers(0, 2**64, size=(2000, 2), dtype=np.uint64)
    edges = np.array([0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1], dtype=np.uint64)
    pairs = [*words.tolist(), *((int(a), int(b)) for a in edges for b in edges)]
    for a, b in pairs:
        assert both(np.uint64(a), np.uint64(b)) == ((a * b) >> 64,) * 2
    assert nothing(np.array([7])) == 7


BLOCK = """
import json
from churnsim.kernels.numerics.jit import PLAIN
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.shared_code import _Flags
assert PLAIN and "_nrt" not in block.targetoptions
print(json.dumps([block(i, 2, 3, 4, 5, 6) for i in range(20)]))
"""

LEDGER = """
import json
import churnsim as cs
from tests.parity.mechanisms import MARKET_PARTS, STRATEGY_PARTS, scenario
tried = scenario(STRATEGY_PARTS, MARKET_PARTS, size=200)
print(json.dumps(cs.simulate(tried, seed=3, engine="compiled").table.tolist()))
"""


def test_plain_kernels_draw_the_same_numbers(tmp_path):
    drawn = python(BLOCK, tmp_path, CHURNSIM_PLAIN_KERNELS="1")
    assert [tuple(row) for row in drawn] == [block(i, 2, 3, 4, 5, 6) for i in range(20)]


@pytest.mark.slow
def test_plain_kernels_give_the_same_ledger(tmp_path):
    """A minute the first time: every kernel of the engine is compiled plainly."""
    plain = python(LEDGER, tmp_path, CHURNSIM_PLAIN_KERNELS="1")
    tried = scenario(STRATEGY_PARTS, MARKET_PARTS, size=200)
    assert plain == cs.simulate(tried, seed=3, engine="compiled").table.tolist()
    assert np.sum(plain) > 0


@pytest.mark.parametrize(
    "set_here", [{}, {"release_gil": True}, {"release_gil": False}, {"release_gil": True, "no_compile": True}]
)
@pytest.mark.parametrize("set_there", [{}, {"release_gil": True}, {"no_compile": False}])
def test_flags_are_as_alike_as_numbas(set_here, set_there):
    """Also where one says what is the default of the other."""
    made = []
    for kind in (_Flags, _Flags.__base__):
        for options in (set_here, set_there):
            made.append(kind())
            for name, value in options.items():
                setattr(made[-1], name, value)
    here, there, numbas_here, numbas_there = made
    assert (here == there) is (here == numbas_there) is (numbas_here == there) is (numbas_here == numbas_there)
    assert hash(here) == hash(numbas_here)
    assert here != "flags"


def test_a_call_is_remembered_by_its_types_and_options():
    """Numba keeps one implementation for the same types, that of the options it was asked for last."""

    class Plus:
        def __init__(self):
            self._impl_keys = {}

    class Signature:
        args = "two numbers"

    asked = []

    def find(function, context, arguments, keywords):
        asked.append(ConfigStack.top_or_none().nrt)
        function._impl_keys[Signature.args] = f"counted: {asked[-1]}"
        return Signature

    call_type, plus = _call_type_of(find), Plus()
    for counted in (True, False, True, False):
        options = _Flags()
        options.nrt = counted
        with ConfigStack().enter(options):
            assert call_type(plus, None, ["int64", "int64"], {}) is Signature
        assert plus._impl_keys == {Signature.args: f"counted: {counted}"}
    assert asked == [True, False]


def test_code_of_others_is_compiled_by_numba_alone(monkeypatch):
    """Ours is compiled with what is remembered; afterwards, and where it fails, numba is as it was."""
    monkeypatch.setattr(jit, "cached", lambda dispatcher, *_, **__: dispatcher)
    numbas = compiler.Flags, BaseFunction.get_call_type

    def third(x):
        return x / 3.0

    def wrong(x):
        return x / "3"

    assert jit.njit(third)(6.0) == 2.0
    assert (compiler.Flags, BaseFunction.get_call_type) == numbas
    with pytest.raises(numba.TypingError):
        jit.njit(wrong)(6.0)
    assert (compiler.Flags, BaseFunction.get_call_type) == numbas


def test_what_is_rare_stays_out_of_the_code_of_what_is_inlined(monkeypatch):
    """Numba hands the options that a function does not set on to it from its caller, and would inline it too."""
    monkeypatch.setattr(jit, "cached", lambda dispatcher, *_, **__: dispatcher)

    def seldom(x):
        return x * 3.0

    def always(x):
        return rare_one(x) + 1.0

    def asked(x):
        return inlined_one(x) * 2.0

    rare_one = jit.rare(seldom)
    inlined_one = jit.inlined(always)
    called = jit.rule(asked)
    assert called(2.0) == 14.0
    (code,) = called.inspect_llvm().values()
    defined = [line for line in code.splitlines() if line.startswith("define")]
    assert any("seldom" in line for line in defined)
    assert not any("always" in line for line in defined)


def test_what_is_rare_is_passed_only_what_it_uses(monkeypatch):
    """No name is left by which code of another kernel, which passes all arguments, would find it."""
    monkeypatch.setattr(jit, "cached", lambda dispatcher, *_, **__: dispatcher)

    def seldom(x, unused):
        return x * 3.0

    def asked(x, y):
        return rare_one(x, y) * 2.0

    rare_one = jit.rare(seldom)
    called = jit.rule(asked)
    assert called(2.0, 5.0) == 12.0
    assert rare_one(2.0, 5.0) == 6.0  # from Python, after it
    (code,) = called.inspect_llvm().values()
    (line,) = (line for line in code.splitlines() if line.startswith("define") and "seldom" in line)
    assert line.startswith("define private")
    assert line.count("double %") == 1
