"""Truth: pictures show what was counted. Their data against counts by hand, and both renderers against the data."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

import churnsim as cs
from churnsim import plots
from churnsim.decisions import Axis, Statement, map_region
from churnsim.errors import ConfigError, DataError, MissingExtraError
from churnsim.plots.altair_chart import layered, tick_labels
from churnsim.plots.of_customers import DARK, HEAT, cohort_picture
from churnsim.plots.theme import INK, NARROW, WIDE
from churnsim.report.charts.marks import interval_rows
from churnsim.report.charts.svg import to_svg
from churnsim.simulation.engine.ledger import ACCOUNTS

mpl.use("Agg")
END = "1997-09-30"


@pytest.fixture(scope="module")
def log():
    return cs.datasets.cdnow()


@pytest.fixture(scope="module")
def done(log):
    return cs.validate(log, [cs.BGNBD, cs.NBD], calibration_end=END, holdout_end="1998-06-30", baselines=[])


@pytest.fixture(scope="module")
def region():
    axes = (
        Axis(name="retention", low=0.6, high=0.9, cells=6),
        Axis(name="rate", low=0.0, high=0.2, cells=4, unit="a year"),
    )
    return map_region(lambda r, d: 0.05 / (1 + d - r), Statement(quantity="the gain", above=0.21), axes)


@pytest.fixture(scope="module")
def comparison():
    """Outcomes of 2 replications, in cents of the accounts."""
    accounts = dict.fromkeys(ACCOUNTS, 0)
    rows = [
        {"strategy": name, "replication": n, "period": 0, **accounts, "margin": 100 * gain}
        for name, gains in (
            ("baseline", (10, 12)),
            ("a strategy whose name is too long for a line of any axis", (13, 19)),
        )
        for n, gain in enumerate(gains)
    ]
    return cs.decisions.Comparison(pd.DataFrame(rows), 4.0, 0.0)


@pytest.fixture(scope="module")
def telco():
    return cs.datasets.telco().iloc[::10]


@pytest.fixture(scope="module")
def curve():
    random = np.random.default_rng(1)
    treated = random.random(300) < 0.5
    score = random.random(300)
    return cs.models.qini_curve(
        score, treated, (random.random(300) < 0.4 + 0.4 * treated * score).astype(float), resamples=20
    )


# Each picture: its arguments, and the columns of its data that both renderers must show.
PICTURES = {
    "frequencies": (["fit", "split"], {}, ["actual", "expected", "lower", "upper"]),
    "predictive": (["fit", "split"], {"draws": 10}, ["actual", "median", "lower", "upper"]),
    "holdout": (["done"], {}, ["mean", "lower", "upper"]),
    "tracking": (["done"], {}, ["purchases"]),
    "tracking by week": (["done", ["bg_nbd"]], {"cumulative": False}, ["purchases"]),
    "calibration": (["done"], {}, ["expected", "actual", "lower", "upper"]),
    "alive_matrix": (["fit"], {"T": 39.0, "most_purchases": 5}, ["p_alive", "earliest", "latest"]),
    "purchases_matrix": (["fit"], {"T": 39.0, "horizon": 26.0, "most_purchases": 5}, ["expected"]),
    "alive_history": (["fit", "log", 1], {"draws": 5}, ["p_alive", "lower", "upper"]),
    "expected_repeats": (["fit"], {"draws": 5}, ["age", "expected", "lower", "upper"]),
    "heterogeneity": (["fit"], {"draws": 5}, ["value", "density", "lower", "upper"]),
    "spend_density": (["spend", "split"], {"draws": 5}, ["spend", "density", "lower", "upper"]),
    "exposure": (["split"], {}, ["recency", "T"]),
    "timing": (["log"], {}, ["place"]),
    "gaps": (["log"], {}, ["gap", "share", "lower", "upper"]),
    "survival": (["telco"], {"by": "contract"}, ["time", "survival", "lower", "upper"]),
    "qini": (["curve"], {}, ["share", "gain", "lower", "upper", "random"]),
    "cohorts": (["log"], {}, ["value"]),
    "concentration": (["values"], {"replications": 20}, ["customers", "value", "lower", "upper"]),
    "strategies": (["comparison"], {}, ["mean", "lower", "upper"]),
    "belief_map": (["region"], {}, ["left", "right", "bottom", "top"]),
}  # fmt: skip


@pytest.fixture
def arguments(log, cdnow_split, cdnow_models, done, region, comparison, telco, curve):
    fit, spend = cdnow_models
    values = cs.customers.customer_spend(log)
    known = {
        "fit": fit, "spend": spend, "split": cdnow_split, "log": log, "done": done, "region": region, "telco": telco,
        "comparison": comparison, "curve": curve, "values": values,
    }  # fmt: skip
    return lambda names: [known[name] if isinstance(name, str) else name for name in names]


def numbers_on(ax: Axes) -> Iterator[float]:
    """Every number that Axes hold: of lines, bars, dots, whiskers, bands and cells."""
    for line in ax.lines:
        yield from np.ravel(line.get_xydata())
    for bar in ax.patches:
        yield from (bar.get_x(), bar.get_height())
    for made in ax.collections:
        if isinstance(made, PathCollection):
            yield from np.ravel(made.get_offsets())
        if isinstance(made, LineCollection):
            yield from np.ravel(made.get_segments())
        if isinstance(made, PolyCollection):
            yield from np.ravel([vertex for path in made.get_paths() for vertex in path.vertices])
        if made.get_array() is not None:
            yield from np.ravel(made.get_array())


def numbers_in(spec: dict) -> Iterator[float]:
    """Every number in the data of a chart's specification."""
    for rows in spec["datasets"].values():
        yield from (value for row in rows for value in row.values() if isinstance(value, int | float))


# Every kind of mark and of axis is among the others.
ALIKE = (
    "predictive",
    "tracking by week",
    "purchases_matrix",
    "expected_repeats",
    "heterogeneity",
    "qini",
    "concentration",
    "spend_density",
    "exposure",
    "calibration",
)


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.slow) if each in ALIKE else each for each in PICTURES]
)
def test_both_renderers_show_the_data(name, arguments):
    names, options, columns = PICTURES[name]
    given, call = arguments(names), name.split()[0]
    table = getattr(plots.data, call)(*given, **options)
    draw = getattr(plots, call)
    ax = Figure().subplots()
    assert draw(*given, **options, ax=ax) is ax
    chart = draw(*given, **options, backend="altair").to_dict()
    assert len(table) > 0
    for shown in (numbers_on(ax), numbers_in(chart)):
        held = np.unique(np.array(list(shown), dtype=np.float64).round(9))
        for column in columns:
            wanted = table[column].dropna().to_numpy(dtype=np.float64).round(9)
            assert wanted.size
            assert np.isin(wanted, held).all(), column
    assert ax.get_xlabel() or names in (["log"], ["done"], ["done", ["bg_nbd"]])  # dates say what they are
    assert ax.get_ylabel() or name == "strategies"


def test_control_a_number_that_is_not_drawn_is_found():
    ax = Figure().subplots()
    ax.plot([0.0, 1.0], [2.0, 3.0])
    assert 2.5 not in set(numbers_on(ax))
    assert set(numbers_in({"datasets": {"one": [{"a": 1.5, "b": "x"}]}})) == {1.5}


def texts_of(ax: Axes) -> Iterator[Text]:
    """What Axes say: titles, ticks within the limits, annotations, the legend."""
    yield from (ax.xaxis.label, ax.yaxis.label, *ax.texts)
    yield from ax.get_legend().get_texts() if ax.get_legend() else ()
    for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))):
        ticks = zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
        yield from (label for label, place in ticks if low <= place <= high)


@pytest.mark.parametrize("name", ["survival", "strategies", "cohorts"])
def test_no_label_of_an_own_figure_is_cut(name, arguments):
    names, options, _ = PICTURES[name]
    ax = getattr(plots, name)(*arguments(names), **options)
    figure = ax.figure
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    whole = figure.bbox.padded(1)
    texts = [text for each in figure.axes for text in texts_of(each) if text.get_text()]
    boxes = {text.get_text(): text.get_window_extent(canvas.get_renderer()) for text in texts}
    mpl.pyplot.close(figure)
    assert len(boxes) > 5
    # Ticks outside the limits are not drawn.
    out = [
        t
        for t, b in boxes.items()
        if not (whole.x0 <= b.x0 and b.x1 <= whole.x1 and whole.y0 <= b.y0 and b.y1 <= whole.y1)
    ]
    assert not out


def test_frequencies_and_holdout_by_hand(cdnow_split, cdnow_models, done):
    table = plots.data.frequencies(cdnow_models[0], cdnow_split)
    counted = cdnow_split["frequency"].clip(upper=7).value_counts().sort_index()
    assert table["actual"].tolist() == counted.tolist()
    held = plots.data.holdout(done)
    actual = held[held["series"] == "actual"]
    groups = cdnow_split.groupby(cdnow_split["frequency"].clip(upper=7))["frequency_holdout"]
    np.testing.assert_allclose(actual["mean"], groups.mean())
    np.testing.assert_allclose(actual["upper"] - actual["mean"], 1.96 * groups.sem())
    model = held[held["series"] == "NBD"]
    expected = done.fits["nbd"].expected_purchases(cdnow_split, 39.0).groupby(cdnow_split["frequency"].clip(upper=7))
    np.testing.assert_allclose(model["mean"], expected.mean())
    assert model["lower"].isna().all()


def test_predictive_is_about_what_is_expected(cdnow_split, cdnow_models):
    fit = cdnow_models[0]
    table = plots.data.predictive(fit, cdnow_split, draws=20, cap=7)
    expected = plots.data.frequencies(fit, cdnow_split)["expected"]
    assert table["actual"].sum() == len(cdnow_split)
    # The median of 20 firms, each with a binomial spread and that of the parameters.
    assert (abs(table["median"] - expected) < 4 * np.sqrt(2 * expected / 20) + 1).all()
    assert (table["lower"] < table["upper"]).all()
    prior = plots.data.predictive([cs.BGNBD(r=5.0, alpha=1.0, a=1.0, b=50.0)] * 2, cdnow_split, cap=7)
    assert prior["median"].iloc[-1] > 0.8 * len(cdnow_split)


def test_tracking_by_hand(log, done):
    days = log[["customer_id", "date"]].drop_duplicates()
    repeats = days[days["date"] > days.groupby("customer_id")["date"].transform("min")]
    found = plots.data.tracking(done)
    actual = found[found["series"] == "actual"].set_index("date")["purchases"]
    assert actual.tolist() == [(repeats["date"] <= day).sum() for day in actual.index]
    weekly = plots.data.tracking(done, ["nbd"], cumulative=False)
    assert sorted(weekly["series"].unique()) == ["NBD", "actual"]
    for name in ("actual", "NBD"):
        sums = weekly.loc[weekly["series"] == name, "purchases"].cumsum()
        np.testing.assert_allclose(sums, found.loc[found["series"] == name, "purchases"])


def test_the_band_of_tracking_ends_as_the_validated_total(done):
    """It starts at what is known, widens, and ends at the interval of the total, whose draws are others."""
    found = plots.data.tracking(done, ["bg_nbd"], level=0.95, draws=20)
    assert found.loc[~found["holdout"] | (found["series"] == "actual"), ["lower", "upper"]].isna().all(axis=None)
    band = found.dropna()
    start, total = done.split["frequency"].sum(), done.scores.loc["bg_nbd"]
    assert (band["lower"] > start).all()
    assert (np.diff(band["upper"] - band["lower"]) > 0).all()
    width = total["upper"] - total["lower"]
    assert abs(band.iloc[-1][["lower", "upper"]] - start - total[["lower", "upper"]]).max() < 0.25 * width
    with pytest.raises(ConfigError, match="intervals are of the purchases so far"):
        plots.tracking(done, level=0.95, cumulative=False)


def test_calibration_counts_everybody(done, cdnow_split):
    table = plots.data.calibration(done, ["bg_nbd"])
    assert table["customers"].sum() == len(cdnow_split)
    bought = (table["actual"] * table["customers"]).sum()
    assert bought == pytest.approx((cdnow_split["frequency_holdout"] > 0).sum())


def test_alive_history_is_that_of_each_days_summary(log, cdnow_models):
    fit = cdnow_models[0]
    table = plots.data.alive_history(fit, log, 1, draws=10).set_index("date")
    for day in ("1997-02-01", "1997-08-15", "1998-06-30"):
        then = cs.summarise(log, until=day)
        assert table.loc[day, "p_alive"] == pytest.approx(fit.p_alive(then)[1], rel=1e-12)
    bought = log.loc[log["customer_id"] == 1, "date"].drop_duplicates()
    assert table.index[table["purchase"]].tolist() == sorted(bought)
    assert (table["lower"] <= table["upper"]).all()
    assert plots.data.alive_history(fit.model, log, 1)["lower"].isna().all()
    with pytest.raises(DataError, match="customer 'nobody' has no purchase"):
        plots.data.alive_history(fit, log, "nobody")


def test_matrices_are_the_models_own(cdnow_models):
    fit = cdnow_models[0]
    table = plots.data.purchases_matrix(fit, T=39.0, horizon=26.0, most_purchases=3)
    np.testing.assert_allclose(table["expected"], fit.expected_purchases(table.assign(T=39.0), 26.0))
    alive = plots.data.alive_matrix(fit, T=39.0, most_purchases=3)
    np.testing.assert_allclose(alive["p_alive"], fit.p_alive(table.assign(T=39.0)))


def test_a_matrix_of_opportunities_has_whole_ones():
    """P(alive) of donors in six years: .11, .59 and .93 (Fader, Hardie & Shang 2010, at their estimates)."""
    donors = cs.models.BGBB(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    table = plots.data.alive_matrix(donors, T=6.0, most_purchases=6)
    cells = {(x, last) for last in range(7) for x in range(min(last, 1), last + 1)}  # one purchase an opportunity
    assert set(zip(table["frequency"], table["recency"], strict=True)) == cells
    alive = table.set_index(["frequency", "recency"])["p_alive"]
    np.testing.assert_allclose([alive[0, 0], alive[2, 4], alive[6, 6]], [0.11, 0.59, 0.93], atol=0.005)


@pytest.mark.parametrize(("picture", "more"), [("alive_matrix", {}), ("purchases_matrix", {"horizon": 26.0})])
def test_matrices_take_the_longest_observation_of_a_summary(cdnow_models, cdnow_split, picture, more):
    few = cdnow_split.tail(30)  # observed for less than the first
    read, said = getattr(plots.data, picture), {**more, "most_purchases": 3}
    longest = float(few["T"].max())
    assert longest < cdnow_split["T"].max()
    pd.testing.assert_frame_equal(read(cdnow_models[0], few, **said), read(cdnow_models[0], T=longest, **said))
    assert read(cdnow_models[0], few, T=20.0, **said)["latest"].max() == 20.0


@pytest.mark.parametrize(
    ("model", "of", "drawn"),
    [
        (cs.BGNBD(r=0.7, alpha=4.0, a=0.8, b=2.5), "rate", "rate"),
        (cs.BGNBD(r=0.7, alpha=4.0, a=0.8, b=2.5), "dropout", "dropout"),
        (cs.ParetoNBD(r=0.5, alpha=10.0, s=0.6, beta=11.0), "dropout", "death_rate"),
    ],
)
def test_heterogeneity_is_that_of_drawn_customers(model, of, drawn):
    table = plots.data.heterogeneity(model, of, points=2000)
    customers = model.draw_customers(20_000, seed=1)[drawn]
    for row in table.iloc[[100, 700, 1500]].itertuples():
        assert (customers <= row.value).mean() == pytest.approx(row.share, abs=4 * 0.5 / math.sqrt(20_000))
    area = np.trapezoid(table["density"], table["value"])
    assert area == pytest.approx(table["share"].iloc[-1] - table["share"].iloc[0], rel=2e-3)
    with pytest.raises(ConfigError, match="NBD has no one law of the dropout"):
        plots.data.heterogeneity(cs.NBD(r=1.0, alpha=2.0), "dropout")


def test_expected_repeats_of_several_models(cdnow_models):
    fit, other = cdnow_models[0], cs.NBD(r=0.4, alpha=5.0)
    table = plots.data.expected_repeats({"a": fit, "b": other}, until=10.0, points=2, draws=20)
    rows = table[table["series"] == "b"]
    np.testing.assert_allclose(rows["expected"], [0.0, 0.4, 0.8])  # E[X(t)] = r t / alpha
    assert table.loc[table["series"] == "a", "lower"].notna().all()
    assert rows["lower"].isna().all()


def test_spend_density_by_hand(cdnow_split, cdnow_models):
    spend = cdnow_models[1]
    table = plots.data.spend_density(spend, cdnow_split, draws=5, points=400)
    bars, line = (table[table["series"] == name] for name in ("actual", "expected"))
    own = cdnow_split[(cdnow_split["frequency"] > 0) & (cdnow_split["monetary_value"] > 0)]
    inside = (own["monetary_value"] <= own["monetary_value"].quantile(0.99)).mean()
    assert ((bars["spend_to"] - bars["spend"]) * bars["density"]).sum() == pytest.approx(inside)
    p, q, g = spend.model.p, spend.model.q, spend.model.gamma
    m = float(line["spend"].iloc[50])
    terms = [
        n * math.exp(math.lgamma(p * x + q) - math.lgamma(p * x) - math.lgamma(q)) * g**q * m ** (p * x - 1)
        * x ** (p * x) / (g + m * x) ** (p * x + q)
        for x, n in own["frequency"].value_counts().items()
        if x < 12
    ]  # fmt: skip
    whole = line["density"].iloc[50] * len(own)
    assert sum(terms) == pytest.approx(whole, rel=0.03)  # the few who bought oftener are left out by hand
    assert sum(terms) <= whole


def test_exposure_timing_and_gaps_by_hand(log, cdnow_split):
    shown = plots.data.exposure(cdnow_split, customers=30)
    same = cdnow_split.loc[shown["customer_id"], ["frequency", "recency", "T"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(shown[["frequency", "recency", "T"]], same, check_dtype=False)
    assert shown["T"].is_monotonic_decreasing
    days = log[["customer_id", "date"]].drop_duplicates().sort_values(["customer_id", "date"])
    drawn = plots.data.timing(log, customers=30)
    wanted = days[days["customer_id"].isin(drawn["customer_id"])]
    both = [set(map(tuple, frame[["customer_id", "date"]].to_numpy())) for frame in (drawn, wanted)]
    assert both[0] == both[1]
    assert drawn["customer_id"].nunique() == 30
    between = days.groupby("customer_id")["date"].diff().dropna().dt.days
    table = plots.data.gaps(log, bins=20)
    for row in table.itertuples():
        assert row.gaps == ((between > row.gap * 7 + 1e-9) & (between <= row.gap_to * 7 + 1e-9)).sum()
    assert table["gaps"].sum() >= 0.99 * len(between)
    assert (table["share"] * len(between)).round(9).tolist() == table["gaps"].tolist()


def test_survival_by_hand():
    people = pd.DataFrame({"tenure": [1, 2, 2, 3, 5, 5], "churned": [True, True, False, False, True, False]})
    table = plots.data.survival(
        people, curves={"half": cs.models.SurvivalCurve(kind="weibull", parameters={"lambda_": 5.0, "rho_": 1.0})}
    )
    counted = table[table["series"] == "all customers"]
    assert counted["time"].tolist() == [0, 1, 2, 5]
    np.testing.assert_allclose(counted["survival"], [1, 5 / 6, 5 / 6 * 4 / 5, 5 / 6 * 4 / 5 / 2])
    assert counted["at_risk"].tolist() == [6, 6, 5, 2]
    fitted = table[table["series"] == "half"]
    np.testing.assert_allclose(fitted["survival"], np.exp(-fitted["time"] / 5))
    risk = plots.data.at_risk(people.assign(entry=[0, 0, 0, 2, 0, 0]), [0, 1, 2, 2.5, 5])
    assert risk["at_risk"].tolist() == [5, 5, 4, 3, 2]
    with pytest.raises(DataError, match="b: no customer has churned"):
        plots.data.survival(
            people.assign(group=["a", "a", "b", "b", "a", "a"]).assign(churned=[True] * 2 + [False] * 4), by="group"
        )


def test_cohorts_and_whale_by_hand(log):
    days = log.groupby(["customer_id", "date"], as_index=False)["amount"].sum()
    month = days["date"].dt.to_period("M").astype("int64")
    born = month.groupby(days["customer_id"]).transform("min")
    inside = days.assign(cohort=born, age=month - born)[lambda rows: rows["age"] > 0]
    size = born.groupby(days["customer_id"]).first().value_counts()
    for value, made in (("retention", inside.groupby(["cohort", "age"])["customer_id"].nunique()),
                        ("revenue", inside.groupby(["cohort", "age"])["amount"].sum())):  # fmt: skip
        table = plots.data.cohorts(log, value)
        cohort = table["cohort"].dt.to_period("M").astype("int64")
        for c, age, shown in zip(cohort, table["age"], table["value"], strict=True):
            assert shown == pytest.approx(made.get((c, age), 0) / size[c])
    spend = log.groupby("customer_id")["amount"].sum().sort_values(ascending=False)
    curve = plots.data.concentration(spend, points=2, replications=5)
    fifty = np.interp(0.5 * len(spend), np.arange(len(spend) + 1), np.append(0, spend.cumsum()))
    np.testing.assert_allclose(curve["value"], [0, fifty / spend.sum(), 1])


def test_numbers_stand_in_cells_that_have_room_and_are_easy_to_read():
    """Eighteen columns of two figures, 15 pixels each with the space between them, fit 720 pixels and not 340."""
    table = pd.DataFrame({"row": "Jan 1997 (781)", "age": range(18), "value": np.linspace(0.0, 1.0, 18), "words": "16"})
    picture = cohort_picture(table, x="age", y="", shade="", kind="share")
    kinds = [
        [layer["mark"]["type"] for layer in layered(picture, size)[0].to_dict()["layer"]] for size in (WIDE, NARROW)
    ]
    assert kinds == [["rect", "text", "text"], ["rect"]]
    # White figures begin where they have more contrast (WCAG 2.2) than dark ones: luminance at (L_cell + 0.05)^2 =
    # 1.05 (L_ink + 0.05); lightness is linear along the shade, which is interpolated in CIELAB.
    light, dark, ink = (luminance(colour) for colour in (*HEAT, INK))
    low, high, even = (116 * y ** (1 / 3) - 16 for y in (light, dark, math.sqrt(1.05 * (ink + 0.05)) - 0.05))
    assert pytest.approx((even - low) / (high - low), abs=0.01) == DARK


@pytest.mark.parametrize(("low", "high"), [(-2_700.0, 2_920.0), (63.0, 91.0), (0.058, 0.179)])
def test_an_axis_has_two_numbers_at_least_on_a_phone_too(low, high):
    rows = [{"label": "one", "mean": (low + high) / 2, "lower": low, "upper": high}]
    chart, height = interval_rows(rows, x="", labels=tick_labels())(NARROW)
    drawn = to_svg(chart, size=NARROW, height=height)
    assert len(re.findall(r">([−\d.,]+)</text>", drawn)) >= 2


def luminance(colour: str) -> float:
    """Relative luminance of sRGB, linear above a channel of 0.04."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [((part + 0.055) / 1.055) ** 2.4 if part > 0.04 else part / 12.92 for part in parts]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def test_decisions_by_hand(comparison, region):
    (row,) = plots.data.strategies(comparison, "profit").itertuples()
    assert (row.mean, row.against) == (5.0, "baseline")
    # Two differences, 3 and 7: mean 5, standard error 2, Student's t of one degree of freedom.
    assert row.upper - row.mean == pytest.approx(2 * 12.7062047, rel=1e-6)
    table = plots.data.belief_map(region)
    middle = (table["left"] + table["right"]) / 2, (table["bottom"] + table["top"]) / 2
    truth = np.where(0.05 / (1 + middle[1] - middle[0]) > 0.21, "holds", "fails")
    assert table["state"].tolist() == truth.tolist()


def test_a_map_of_three_shows_one_cell_of_the_third():
    axes = tuple(Axis(name=name, low=0.0, high=1.0, cells=n) for name, n in (("x", 2), ("y", 3), ("z", 4)))
    region = map_region(lambda x, y, z: x + y + 10 * z, Statement(quantity="it", above=6.0), axes)
    assert [set(plots.data.belief_map(region, third=n)["state"]) for n in range(4)] == [
        {"fails"}, {"fails"}, {"holds"}, {"holds"}
    ]  # fmt: skip
    assert "at z = 0.375" in plots.belief_map(region, third=1, ax=Figure().subplots()).get_xlabel()


def test_what_cannot_be_drawn_says_so(done, cdnow_split, monkeypatch):
    with pytest.raises(ConfigError, match="backend must be 'matplotlib' or 'altair'"):
        plots.tracking(done, backend="plotly")
    with pytest.raises(ConfigError, match="ax must be Axes of matplotlib"):
        plots.tracking(done, ax=3)
    with pytest.raises(ConfigError, match="ax belongs to backend='matplotlib'"):
        plots.tracking(done, ax=Figure().subplots(), backend="altair")
    with pytest.raises(ConfigError, match=r"there is no model 'mine'\. Validated are bg_nbd, nbd"):
        plots.tracking(done, ["mine"])
    with pytest.raises(ConfigError, match="fit must be a purchase model"):
        plots.frequencies(3, cdnow_split)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*churnsim\[plots\]"):
        plots.tracking(done)
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*churnsim\[report\]"):
        plots.tracking(done, backend="altair")


def test_several_series_are_named_once_and_apart(done):
    ax = plots.tracking(done, ax=Figure().subplots())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["actual", "BG/NBD", "NBD"]
    looks = {line.get_label(): (line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len({looks[name][0] for name in ("actual", "BG/NBD", "NBD")}) == 3
    assert looks["actual"][1] == "-"
    assert "--" in (looks["BG/NBD"][1], looks["NBD"][1])  # so that they stay apart without colour
