"""The minimal model of customers beside SimPy, Mesa and Starsim: buy as a Poisson process, drop out after a purchase.

Every customer buys at half a purchase a week and leaves after each purchase with probability 0.1; a year is simulated,
on one thread. Each peer is written as its documentation would have it, is timed without making the population, keeps
nothing but the number of purchases, and must come to the theory's mean (1 - e^(-rate p T))/p within 4 standard errors:

- SimPy: a process a customer, `yield timeout(gap)`; random numbers from Python's `random`.
- Mesa, event by event: agents that schedule their own next purchase with `DEVSimulator`.
- Mesa, week by week: `agents.do("step")`, each customer drawing its purchases of the week.
- Starsim: one vectorised module, a Poisson count a week and a geometric place of the last purchase.

Week by week gives counts of the same law but no times. churnsim keeps times, spend, failures, the ledger and numbers of
their own for each decision of each customer (failures cause a share of the dropout, whose total is the same).
Mesa and Starsim run where they are installed, or in another interpreter. Exits 1 where churnsim is not the fastest.

    python benchmarks/minimal_model.py [--size 100000] [--peer-python /path/to/python/with/mesa/and/starsim]
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

RATE, LEAVES, WEEKS = 0.5, 0.1, 52
ROUNDS = 3

# Run by another interpreter, so that the peers' packages need not live with ours. Prints a line of JSON a peer.
PEERS = """
import importlib.util, json, logging, math, random, sys, time
size, rate, leaves, weeks, rounds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), 2
logging.disable(logging.CRITICAL)

def measure(name, make, run):
    best = math.inf
    for _ in range(rounds):
        model = make()
        began = time.perf_counter()
        bought = run(model)
        best = min(best, time.perf_counter() - began)
    print(json.dumps({"name": name, "seconds": best, "purchases": bought}))

if importlib.util.find_spec("mesa"):
    import mesa, numpy
    from mesa.experimental.devs import DEVSimulator

    class Customer(mesa.Agent):
        def plan(self):
            gap = self.model.random.expovariate(rate)
            self.model.simulator.schedule_event_relative(self.buy, gap)
        def buy(self):
            self.model.bought += 1
            if self.model.random.random() < leaves:
                self.remove()
            else:
                self.plan()

    class Shop(mesa.Model):
        def __init__(self, simulator=None):
            super().__init__(seed=1)
            self.bought, self.simulator = 0, simulator
            simulator.setup(self)
            for customer in Customer.create_agents(self, size):
                customer.plan()

    def run_events(model):
        model.simulator.run_until(float(weeks))
        return model.bought

    measure(f"Mesa {mesa.__version__}, event by event", lambda: Shop(DEVSimulator()), run_events)

    class Weekly(mesa.Agent):
        def step(self):
            model = self.model
            for _ in range(model.rng.poisson(rate)):
                model.bought += 1
                if model.random.random() < leaves:
                    self.remove()
                    return

    class WeeklyShop(mesa.Model):
        def __init__(self):
            super().__init__(seed=1)
            self.bought = 0
            Weekly.create_agents(self, size)
        def step(self):
            self.agents.do("step")

    def run_weeks(model):
        for _ in range(weeks):
            model.step()
        return model.bought

    measure(f"Mesa {mesa.__version__}, week by week", WeeklyShop, run_weeks)

if importlib.util.find_spec("starsim"):
    import numpy, starsim

    class Buying(starsim.Module):
        def __init__(self):
            super().__init__()
            self.define_states(starsim.BoolState("active", default=True))
            self.count, self.luck, self.bought = starsim.poisson(lam=rate), starsim.random(), 0
        def step(self):
            active = self.active.uids
            number = self.count.rvs(active)
            buyers, number = active[number > 0], number[number > 0]
            last = numpy.ceil(numpy.log(self.luck.rvs(buyers)) / math.log(1 - leaves))
            self.bought += int(numpy.minimum(number, last).sum())
            self.active[buyers[last <= number]] = False

    def make():
        sim = starsim.Sim(n_agents=size, modules=Buying(), start=0, dur=weeks - 1, dt=1, verbose=0)
        sim.init()
        return sim

    def run(sim):
        sim.run()
        return next(module.bought for module in sim.modules if isinstance(module, Buying))

    measure(f"Starsim {starsim.__version__}, week by week", make, run)
"""


def in_simpy(size: int) -> dict[str, object]:
    """The model as SimPy processes."""
    import random

    import simpy

    draw, bought, world = random.Random(1), 0, simpy.Environment()

    def customer():
        nonlocal bought
        while True:
            yield world.timeout(draw.expovariate(RATE))
            bought += 1
            if draw.random() < LEAVES:
                return

    for _ in range(size):
        world.process(customer())
    began = time.perf_counter()
    world.run(until=WEEKS)
    seconds = time.perf_counter() - began
    return {"name": f"SimPy {simpy.__version__}, a process a customer", "seconds": seconds, "purchases": bought}


def in_churnsim(size: int) -> dict[str, object]:
    """The model in the compiled engine, the whole of `simulate`, drawing what the frame does not hold included."""
    import churnsim as cs

    traits = pd.DataFrame({"rate": np.full(size, RATE), "dropout": np.full(size, LEAVES)})
    traits.index = pd.Index([f"c{i}" for i in range(size)])
    # The frame holds the traits; the model only says what they mean, so that its parameters are of no account.
    market = cs.Market(
        customers=cs.simulation.TraitsBase(traits),
        purchases=cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=1.0),
        spend=cs.simulation.FixedSpend(amount=10.0),
    )
    scenario = cs.Scenario(
        market=market, strategy=cs.Strategy(name="none"), horizon=float(WEEKS), period=float(WEEKS), epoch=float(WEEKS)
    )
    cs.simulate(scenario, seed=1, engine="compiled")
    best = math.inf
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ledger = cs.simulate(scenario, seed=1, engine="compiled")
        best = min(best, time.perf_counter() - began)
    return {"name": "churnsim, the whole call", "seconds": best, "purchases": int(ledger.count("purchases").sum())}


def is_right(purchases: int, size: int) -> bool:
    """Whether a mean is the theory's, within four standard errors (of a geometric number, which is above the true)."""
    mean = (1 - math.exp(-RATE * LEAVES * WEEKS)) / LEAVES
    error = math.sqrt((1 - LEAVES) / LEAVES**2 / size)
    return abs(purchases / size - mean) < 4 * error


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--size", type=int, default=100_000)
    arguments.add_argument("--peer-python", type=Path, default=Path(sys.executable))
    options = arguments.parse_args()
    found = [in_churnsim(options.size), in_simpy(options.size)]
    numbers = [str(value) for value in (options.size, RATE, LEAVES, WEEKS)]
    done = subprocess.run(
        [str(options.peer_python), "-c", PEERS, *numbers], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stderr)
        return 1
    found += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for peer in ("Mesa", "Starsim"):
        if not any(each["name"].startswith(peer) for each in found):
            print(f"{peer} is not installed here: left out. Say --peer-python=... for an interpreter that has it.")
    ours, right = found[0]["seconds"], True
    for each in found:
        good = is_right(each["purchases"], options.size)
        right = right and good
        print(
            f"{each['name']:38s} {each['purchases']:10,} purchases {each['seconds']:8.3f} s "
            f"{each['purchases'] / each['seconds'] / 1e6:8.2f} million/s {each['seconds'] / ours:8.1f} times churnsim's"
            + ("" if good else "  NOT THE THEORY'S MEAN")
        )
    return int(not right or any(each["seconds"] < ours for each in found))


if __name__ == "__main__":
    sys.exit(main())
