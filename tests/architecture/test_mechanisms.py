"""Truth: the house rules. A mechanism is one module: nothing else names it, and a new one touches few files."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest
from tests.forked import Interpreter

from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "churnsim"
KINDS = {kind.__name__: kind for whole in (Strategy, Market) for kind in parts_of(whole).values()}

# Where mechanisms may be named besides their own module, and why.
ALLOWED = {
    "__init__.py": "the public face",
    "simulation/__init__.py": "the public face",
    "simulation/scenario/strategy.py": "the field list of what a firm may do",
    "simulation/scenario/market.py": "the field list of how the market answers",
    "claims/on_markets/": "a claim on a market tests mechanisms",
    "claims/service_recovery/": "recovery is answering complaints",
    "claims/five_percent_churn/five_percent_simulation.py": "less churn by a what-if",
    "claims/machinery/evidence.py": "how CDNOW's people answer spending, in dollars",
    "claims/machinery/strategy_comparison.py": "budgets split between winning and keeping",
}


def names_in(source: str, names=KINDS) -> set[str]:
    """Which of these `names`, the mechanisms', a source has in code or as text that is nothing else."""
    found = set()
    if not any(name in source for name in names):
        return found
    for node in ast.walk(ast.parse(source)):
        for key in ("id", "attr", "name", "value"):
            word = getattr(node, key, None)
            if isinstance(word, str) and word in names:
                found.add(word)
    return found


def strays(root: Path) -> dict[str, list[str]]:
    """Files that name a mechanism of which they are not the module, and the names."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root).as_posix()
        own = {name for name, kind in KINDS.items() if kind.__module__ == "churnsim." + place[:-3].replace("/", ".")}
        if others := names_in(path.read_text(encoding="utf-8")) - own:
            found[place] = sorted(others)
    return found


def allowed(place: str) -> bool:
    return any(place == entry or (entry.endswith("/") and place.startswith(entry)) for entry in ALLOWED)


def test_nothing_but_its_module_and_the_field_lists_names_a_mechanism():
    assert {place: names for place, names in strays(SOURCE).items() if not allowed(place)} == {}


# What loops over declarations alone: it names no mechanism by its field either.
LOOPS = {
    "simulation/engine/firm.py": set(),
    "simulation/engine/epoch_boundary.py": set(),
    "simulation/engine/compiled_engine.py": {"complaints"},  # those that clerks answer
    "simulation/engine/simpy_engine.py": {"recovery", "quality"},  # an account of the ledger; the firm's factor
    "simulation/scenario/scenario.py": set(),
    "study/config/relations.py": {"own_series"},  # which goes with a file of series
}
# Without the one that a survey of simulated customers asks about, which its section of a study needs.
FIELDS = {name for whole in (Strategy, Market) for name in parts_of(whole)} - {"satisfaction"}


@pytest.mark.parametrize("place", LOOPS)
def test_what_loops_over_mechanisms_reaches_none_by_its_field(place):
    assert names_in((SOURCE / place).read_text(encoding="utf-8"), FIELDS) - LOOPS[place] == set()


def test_control_a_field_that_is_reached_by_name_is_found():
    reached = "if strategy.win_back:\n    table = strategy.tables.get('renewal_offers')\n"
    assert names_in(reached, FIELDS) == {"win_back", "renewal_offers"}


def test_control_a_mechanism_named_elsewhere_is_found(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "stage.py").write_text("from x import ComplaintDesk\nbuilt = {'desk': y.WinBack}\n")
    assert strays(tmp_path) == {"study/stage.py": ["ComplaintDesk", "WinBack"]}
    assert not allowed("study/stage.py")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_mechanism_has_a_module_among_the_mechanisms(name):
    assert KINDS[name].__module__.startswith("churnsim.simulation.mechanisms.")


TOY = '''"""Gifts at the start of each period: who has received some leaves at a lower rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from churnsim.simulation.core.assumption import account_units, assumed, at_least_1, share
from churnsim.simulation.mechanisms.parts import Length, MarketPart
from churnsim.simulation.mechanisms.review import Review
from churnsim.simulation.mechanisms.targeting import Campaign


@dataclass(frozen=True, kw_only=True)
class Gifts(Campaign):
    """Give something to the customers whom the rule picks."""

    every: Annotated[float, Length("how often", example=4.0)]

    def review(self, review: Review) -> None:
        """Give it, and count the gifts of each."""
        chosen, each = self.reached(review)
        if each > 0:
            review.books.pay("retention", self.budget_per_period)
            review.customers.add("gifts", chosen, review.firm.effect, account_units(each), review.now)

    def rules(self, market: Any) -> dict[str, Any]:
        """The gifts that it takes, and the dropout that they leave."""
        return {"gifts_needed": market.gifts.needed, "gift_factor": 1.0 - market.gifts.effect}


@dataclass(frozen=True, kw_only=True)
class GiftResponse(MarketPart):
    """What gifts do."""

    needed: float = assumed(2.0, "gifts", "gifts that it takes", at_least_1, (1.0, 9.0), source="a toy")
    effect: float = assumed(0.25, "share", "dropout prevented", share, (0.1, 0.5), source="a toy")
'''
MECHANISMS = "from churnsim.simulation.mechanisms."
# The whole change: file, what stands there, what is put before it.
EDITS = [
    ("simulation/mechanisms/gifts.py", None, TOY),
    ("simulation/scenario/strategy.py", f"{MECHANISMS}parts", f"{MECHANISMS}gifts import Gifts\n"),
    ("simulation/scenario/strategy.py", "    churn: ChurnChange", "    gifts: Gifts | None = None\n"),
    ("simulation/scenario/market.py", f"{MECHANISMS}parts", f"{MECHANISMS}gifts import GiftResponse\n"),
    (
        "simulation/scenario/market.py",
        "    bonds: BondResponse",
        "    gifts: GiftResponse = field(default_factory=GiftResponse)\n",
    ),
    (
        "kernels/engine/records.py",
        "    price: float = 1.0",
        "    gifts_needed: float = 0.0\n    gift_factor: float = 1.0  # on organic dropout of who has received them\n",
    ),
    ("kernels/engine/records.py", '        ("state", np.int8)', '        ("gifts", np.int16),\n'),
    ("kernels/engine/records.py", "    response: float\n    contacted", "    gifts: int\n"),
    ("simulation/engine/customer.py", "    cause: int = 0", "    gifts: int = 0\n"),
    (
        "kernels/engine/event_times.py",
        "    if c.member != 0:\n        factor =",
        "    if c.gifts >= rule.gifts_needed:\n        factor = factor * rule.gift_factor\n",
    ),
]
SCRIPT = """
import json, sys
import churnsim as cs
from model_description import filled
from churnsim.simulation.mechanisms.parts import example_of, parts_of
from churnsim.evidence.assumptions import assumptions
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config_file import parse_config
from churnsim.study.config.market_overrides import overridden_mechanisms
from churnsim.study.stages.market_stage import build_strategies, strategy_records

config = parse_config(open(sys.argv[1], encoding="utf-8").read(), folder=sys.argv[2])
strategy = build_strategies(config)[-1]
market = cs.Market(
    customers=cs.Cohort(size=10), purchases=cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=1.0),
    spend=cs.simulation.FixedSpend(amount=1.0),
    **overridden_mechanisms(config.market),
)
scenario = cs.Scenario(market=market, strategy=strategy, horizon=8.0, period=4.0, epoch=1.0)
without = cs.Scenario(market=market, strategy=cs.Strategy(name="none"), horizon=8.0, period=4.0, epoch=1.0)
shown = assumptions(market).set_index("parameter")
print(json.dumps({
    "every": strategy.gifts.every, "budget": strategy.budget_per_period,
    "acts": [scenario.firm_acts, without.firm_acts],
    "factor": [scenario.rules.gift_factor, without.rules.gift_factor], "shown": shown.loc["gifts.effect", "value"],
    "address": cs.simulation.addresses(market, [strategy])["strategy.toy.gifts.every"],
    "settings": strategy_records(config)[-1].settings, "warm-up": example_of(parts_of(Strategy)["gifts"]).every,
    "docs": "Gifts" in filled("<!-- code: strategy_mechanisms -->\\n<!-- end -->"),
}))
"""
TABLES = """
[market.gifts]
effect = { value = 0.5, source = "a trial", status = "assumed" }

[[strategy]]
name = "toy"
gifts = { budget_share = 0.5, every = "14 D" }

[comparison]"""


# Both engines, where purchases may be the last and where a life has a clock, which a gift sets back; customers who wait
# for a reply among them. And the same without an effect.
BOTH = """
from dataclasses import replace

import churnsim as cs
from churnsim.simulation.mechanisms.gifts import GiftResponse, Gifts

found = []
for model in (cs.BGNBD(r=0.8, alpha=4.4, a=0.8, b=2.4), cs.ParetoNBD(r=0.8, alpha=4.0, s=0.6, beta=11.0)):
    spend = cs.simulation.FixedSpend(amount=12.5)
    market = cs.Market(customers=cs.Cohort(size=150), purchases=model, spend=spend)
    gifts = Gifts(budget_per_period=60.0, rule="recent_buyers", within=8.0, every=4.0)
    desk = cs.simulation.ComplaintDesk(staff=1, mean_service_time=0.6, wage_per_period=20.0)
    strategy = cs.Strategy(name="gifts", gifts=gifts, desk=desk)
    for effect in (0.0, 0.9):
        weak = GiftResponse(effect=effect)
        tried = cs.Scenario(market=replace(market, gifts=weak), strategy=strategy, horizon=40.0, period=4.0, epoch=1.0)
        ran = [cs.simulate(tried, seed=1, engine=engine, log=True) for engine in ("simpy", "compiled")]
        assert ran[0].events == ran[1].events
        assert (ran[0].table == ran[1].table).all()
        found.append(int(ran[0].count("active_end")[-1]))
print(found)
"""


def with_toy(tmp_path: Path) -> set[str]:
    """Copy the package with the toy in it; the files that it touches."""
    copy = tmp_path / "src" / "churnsim"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("*.nb*", "*.pyc.*"))
    for place, before, text in EDITS:
        path = copy / place
        old = path.read_text(encoding="utf-8") if before else ""
        assert before is None or old.count(before) == 1
        path.write_text(old.replace(before, text + before) if before else text, encoding="utf-8")
    return {place for place, _, _ in EDITS}


def ask(interpreter: Interpreter, tmp_path: Path, script: str, *arguments: str) -> str:
    """What a script prints that uses the copy."""
    script = f"import warnings; warnings.resetwarnings()\n{script}"
    paths = [tmp_path / "src", Path(__file__).parent]
    done = interpreter.run(script, arguments=["", *arguments], where=tmp_path, paths=paths)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_toy_mechanism_touches_few_files_and_works_everywhere(tmp_path, interpreter):
    """Python, a configuration, the rules, the assumptions, the addresses, the documentation and the warm-up know it."""
    touched = with_toy(tmp_path)
    base = (ROOT / "configs" / "cdnow.toml").read_text(encoding="utf-8")
    (tmp_path / "study.toml").write_text(base.replace("[comparison]", TABLES, 1), encoding="utf-8")
    told = json.loads(ask(interpreter, tmp_path, SCRIPT, str(tmp_path / "study.toml"), str(ROOT / "configs")))
    budget = told["budget"]
    assert budget > 0
    assert told == {
        "every": 2.0, "budget": budget, "acts": [True, False], "factor": [0.5, 1.0], "shown": 0.5, "address": 2.0,
        "settings": {"gifts": {"rule": "all", "budget_per_period": budget, "every": 2.0}}, "warm-up": 4.0, "docs": True,
    }  # fmt: skip
    assert len(touched) <= 8


@pytest.mark.slow
def test_both_engines_run_the_toy(tmp_path, interpreter):
    """It remembers something of each customer, on which dropout depends; compiled anew, which takes a minute."""
    with_toy(tmp_path)
    without, reached, without_clock, reached_clock = json.loads(ask(interpreter, tmp_path, BOTH))
    assert reached > without
    assert reached_clock > without_clock
