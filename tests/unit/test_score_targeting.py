"""Truth: mechanics of the targeting rule "score": who is picked, who has no score, and what is refused."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.parity.mechanisms import scenario

import churnsim as cs
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.errors import ConfigError, DataError
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.mechanisms.review import Visible
from churnsim.study.stages.score_files import read_ids

IDS = pd.Index(["a", "b", "c", "d", 5])


def contacts(scores, share=0.4, **more):
    return cs.simulation.RetentionContacts(budget_per_period=10.0, rule="score", share=share, scores=scores, **more)


def picked(rule, known=None):
    n = len(IDS)
    nothing, whole = np.zeros(n), np.zeros(n, dtype=np.int64)
    there = np.ones(n, dtype=bool) if known is None else np.array(known)
    seen = Visible(
        uid=customer_uids(IDS), known=there, there=there,
        first_purchase=nothing, last_purchase=nothing, purchases=whole, repeat_revenue=whole, response=nothing,
        attempts=whole,
    )  # fmt: skip
    return set(IDS[rule.picks(seen, 0.0)])


def test_the_highest_scores_are_picked():
    assert picked(contacts(pd.Series([1.0, 9.0, -3.0, 4.0, 8.0], IDS))) == {"b", 5}
    assert picked(contacts({"b": 1, "d": 2, 5: 0})) == {"b", "d"}
    # The share is of those known.
    assert picked(contacts(pd.Series([1.0, 9.0, -3.0, 4.0, 8.0], IDS), 0.5), [True, False, True, True, True]) == {
        "d",
        5,
    }


def test_those_without_a_score():
    """They come last, or have the score stated; "5" is not 5."""
    assert picked(contacts({"c": -50.0, "a": -60.0, "5": 9.0})) == {"a", "c"}
    assert picked(contacts({"c": 3.0, "a": -60.0}, 0.8, unscored=0.0)) == {"b", "c", "d", 5}


def test_scores_are_kept_by_content():
    given = pd.Series([1.0, 2.0, 3.0], ["x", "y", "z"])
    first, again = contacts(given), contacts({"z": 3, "y": 2, "x": 1})
    given["x"] = 100.0
    assert first == again == deepcopy(first) == replace(first, share=0.4)
    assert hash(first) == hash(again)
    assert first != contacts({"x": 1, "y": 2, "z": 4})
    assert "of 3 customers" in repr(first)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: contacts(None), ConfigError, "needs scores"),
        (lambda: contacts({"a": 1.0}, None), ConfigError, "needs share"),
        (lambda: contacts({}), ConfigError, "scores is empty"),
        (lambda: contacts([1.0, 2.0]), ConfigError, "Series or a mapping"),
        (lambda: contacts({"a": 1.0, "b": float("nan")}), DataError, "customer 'b' is 'nan'"),
        (lambda: contacts({"a": 1.0, "b": "high"}), DataError, "customer 'b' is 'high'"),
        (lambda: contacts({"a": 1.0, "b": None}), DataError, "customer 'b' is 'None'"),
        (lambda: contacts(pd.Series([1.0, 2.0], ["a", "a"])), DataError, "more than one row"),
        (lambda: contacts({"a": 1.0}, unscored=float("inf")), ConfigError, "unscored must be a finite"),
        (
            lambda: cs.simulation.RetentionContacts(budget_per_period=1.0, scores={"a": 1.0}),
            ConfigError,
            "only the rule 'score'",
        ),
        (lambda: CustomerScores(np.array([3, 3]), [1.0, 2.0]), DataError, "scored twice"),
        (lambda: CustomerScores(np.array([3, 4]), [1.0]), DataError, "one each"),
    ],
)
def test_refusals(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("engine", ["compiled", "simpy"])
def test_scores_of_nobody_here_are_refused(engine):
    """A cohort's customers have no ids of the user's, and a wrong kind of id is a slip."""
    tried = scenario([])
    tried = replace(tried, strategy=cs.Strategy(name="scored", retention=contacts({"7": 1.0})))
    with pytest.raises(ConfigError, match="none of the 80 customers has one of the 1 scores of strategy 'scored'"):
        cs.simulate(tried, seed=1, engine=engine)


def test_contact_ranks_are_taken_as_they_are():
    traits = pd.DataFrame({"dropout": 0.1, "rate": 1.0, "mean_spend": 9.0, "contact_rank": [0.0, 0.25, 1.0]})
    model, spend = cs.BGNBD(r=0.8, alpha=4.4, a=0.8, b=2.4), cs.GammaGamma(p=6.25, q=3.74, gamma=15.44)
    base = cs.simulation.TraitsBase(traits).draw(purchases=model, spend=spend, seed=1, replication=2)
    assert base.traits[:, 3].tolist() == [0.0, 0.25, 1.0]
    with pytest.raises(DataError, match=r"contact_rank of customer '2' is 1\.5"):
        cs.simulation.TraitsBase(traits.assign(contact_rank=[0.0, 1.0, 1.5]))


def test_a_file_names_customers_by_the_ids_that_they_have(tmp_path):
    """Those of the study, in its order and as it has them, texts and numbers; others are left out."""
    (tmp_path / "some.csv").write_text("customer_id,more\n5,x\nz,y\na,z\n5,x\n", encoding="utf-8")
    assert read_ids(tmp_path / "some.csv", IDS) == ["a", 5]
    for text, said in (("customer_id\nz\n", "names none of the study's 5 customers, who have ids such as 'a'"),
                       ("name\na\n", "customer_id")):  # fmt: skip
        (tmp_path / "other.csv").write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=said):
            read_ids(tmp_path / "other.csv", IDS)
