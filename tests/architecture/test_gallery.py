"""docs/gallery.md shows every picture of `churnsim.plots` with the call that drew it, of public data.

`python tests/architecture/test_gallery.py` draws the pictures, stores what their data sum to, and writes the page.
"""

# ruff: noqa: E501 (lines of the page)
from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

import churnsim as cs

PAGE = Path(__file__).parents[2] / "docs" / "gallery.md"
FOLDER = PAGE.parent / "gallery"
SUMS = FOLDER / "data.json"
LARGEST = 60_000  # bytes of a picture

HEAD = """# Gallery

Every picture of `churnsim.plots`, of public data. Each function draws on matplotlib's Axes (a new figure's, or those given as
`ax=`) and returns them; with `backend="altair"` it returns an Altair chart of the same numbers. The function of the same name in
`plots.data` returns these numbers as a frame, for a table or a picture of one's own:

```python
import matplotlib.pyplot as plt

import churnsim
from churnsim import plots

log = churnsim.datasets.cdnow()
split = churnsim.split_holdout(log, until="1997-09-30", holdout_until="1998-06-30")
fit = churnsim.BGNBD.fit(split)

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
plots.frequencies(fit, split, ax=left)
plots.alive_history(fit, log, 1411, ax=right)
figure.savefig("customers.png")

chart = plots.frequencies(fit, split, backend="altair")
chart.save("customers.html")

print(plots.data.frequencies(fit, split))
```

matplotlib comes with the extra `[plots]`, Altair with `[report]`, both with `[full]`. Bands and whiskers are intervals (95%, `level=`);
the parameters of each function say of what. Colours stay apart for colour-blind readers, and dashes repeat them in grey print.

The pictures below are of the CDNOW sample (2,357 customers of 1997, weeks 1 to 39 fitted, 40 to 78 held out) unless they say
otherwise, and come from these objects:

```py
SETUP
```

They are drawn anew by `python tests/architecture/test_gallery.py`.
"""
SETUP = """\
import churnsim
from churnsim import plots
from churnsim.decisions import Axis, Statement, map_region

log = churnsim.datasets.cdnow()
split = churnsim.split_holdout(log, until="1997-09-30", holdout_until="1998-06-30")
fit, spend = churnsim.BGNBD.fit(split), churnsim.GammaGamma.fit(split)"""
LATER = """\
pareto = churnsim.ParetoNBD.fit(split)
validation = churnsim.validate(
    log, [churnsim.BGNBD, churnsim.ParetoNBD, churnsim.NBD], calibration_end="1997-09-30", baselines=[]
)
donations = churnsim.datasets.donations()
donors = churnsim.models.BGBB.fit(donations, weights=donations["customers"])
telco = churnsim.datasets.telco()
campaign = churnsim.models.simulated_campaign(4000, seed=1)
uplift = churnsim.models.UpliftModel.fit(campaign, covariates=["risk", "openness"])
market = churnsim.Market(customers=churnsim.PosteriorBase(split), purchases=fit.model, spend=spend.model)
comparison = churnsim.compare(
    market,
    [
        churnsim.Strategy(name="baseline"),
        churnsim.Strategy(name="contacts", retention=churnsim.simulation.RetentionContacts(budget_per_period=100)),
        churnsim.Strategy(name="adverts", acquisition=churnsim.simulation.Acquisition(budget_per_period=100)),
    ],
    replications=20,
    seed=1,
    horizon=104,
)
region = map_region(
    lambda retention, rate: 0.05 / (0.95 + rate - retention),
    Statement(quantity="the gain in value by five points more retention", above=0.25, below=0.85),
    (
        Axis(name="retention a year", low=0.5, high=0.9, cells=32),
        Axis(name="discount rate a year", low=0, high=0.3, cells=24),
    ),
)"""
# (file, title, what it shows, call); those after LATER need what it makes.
QUICK = (
    ("frequencies", "Repeat-purchase frequencies", "How many customers came back how often, counted and as the model "
     "expects; the whiskers hold 95% of chance.", "plots.frequencies(fit, split)"),
    ("predictive", "Predictive check", "The same beside firms simulated with parameters drawn from what is known of "
     "them. Models drawn from a posterior or a prior are taken too.", "plots.predictive(fit, split)"),
    ("alive-matrix", "P(alive)", "By how often and how lately a customer of 39 weeks bought.",
     "plots.alive_matrix(fit, T=39.0)"),
    ("purchases-matrix", "Expected purchases", "Of the same customers in the 39 weeks to come.",
     "plots.purchases_matrix(fit, T=39.0, horizon=39.0)"),
    ("alive-history", "The history of one customer", "How P(alive) falls in silence and rises with a purchase; the band "
     "is what is not known of the parameters.", "plots.alive_history(fit, log, 1411)"),
    ("heterogeneity-rate", "How customers differ: buying rate", "Most buy seldom, a few often.",
     'plots.heterogeneity(fit, "rate")'),
    ("heterogeneity-dropout", "How customers differ: dropout", "The chance to leave after a purchase, and how little the "
     "data say of customers who hardly ever leave.", 'plots.heterogeneity(fit, "dropout")'),
    ("spend-density", "Spend", "Mean spend a purchase, counted and by Gamma-Gamma.",
     "plots.spend_density(spend, split)"),
    ("exposure", "Exposure", "How long customers were observed, and until when they bought.", "plots.exposure(split)"),
    ("timing", "Timing", "The days on which customers bought.", "plots.timing(log)"),
    ("gaps", "Gaps", "The time between two purchases of a customer.", "plots.gaps(log)"),
    ("cohorts-retention", "Cohorts: who comes back", "The percent of those who came in a month that bought in each month "
     "after it.", "plots.cohorts(log)"),
    ("cohorts-revenue", "Cohorts: revenue", "What a customer of each cohort spent in each month.",
     'plots.cohorts(log, "revenue")'),
    ("concentration", "Concentration", "Which share of the spend the best customers bring (whale curve), by bootstrap "
     "over customers.", "plots.concentration(churnsim.customers.customer_spend(log))"),
)  # fmt: skip
SLOWER = (
    ("tracking", "Tracking", "Repeat purchases of all customers, cumulative, in and after the weeks that the models saw. "
     "NBD knows no dropout.", "plots.tracking(validation)"),
    ("tracking-weekly", "Tracking, incremental", "The same by week.",
     'plots.tracking(validation, ["bg_nbd", "pareto_nbd"], cumulative=False)'),
    ("tracking-band", "Tracking, with what was foreseen", "The band is how many purchases there would be by then, given "
     "what every customer had done when the calibration ended (95%, with the estimates' error and chance); the line is "
     "what was expected of new customers from the start.",
     'plots.tracking(validation, ["pareto_nbd"], level=0.95)'),
    ("holdout", "Calibration against holdout", "Mean purchases in weeks 40 to 78 by the number in weeks 1 to 39.",
     "plots.holdout(validation)"),
    ("calibration", "Are chances right?", "The share that bought beside the chance that was given.",
     'plots.calibration(validation, ["pareto_nbd", "nbd"])'),
    ("expected-repeats", "A new customer", "Expected repeat purchases by age, of two models.",
     'plots.expected_repeats({"BG/NBD": fit, "Pareto/NBD": pareto}, until=78.0)'),
    ("heterogeneity-donors", "Donors", "11,104 donors who first gave in 1995, by year (Fader, Hardie & Shang 2010): the "
     "chance to give in a year while active, by BG/BB.", 'plots.heterogeneity(donors, "rate")'),
    ("survival", "Survival", "Of subscribers by contract (artificial data), with Kaplan-Meier's intervals and the numbers "
     "at risk.", 'plots.survival(telco, by="contract")'),
    ("survival-curves", "Survival and fitted curves", "Of all of them, beside a Weibull and a log-normal.",
     "plots.survival(\n    telco,\n    curves={\n"
     '        "Weibull": churnsim.models.SurvivalCurve.fit(telco, "weibull"),\n'
     '        "log-normal": churnsim.models.SurvivalCurve.fit(telco, "log_normal"),\n    },\n)'),
    ("qini", "Qini", "Whom to contact: by learned uplift, by risk of leaving, at random (a simulated campaign in which "
     "risk is the wrong guide).", "plots.qini(uplift)"),
    ("strategies", "Strategies", "Net present value over two years against doing nothing, by the same replications; what "
     "contacts and adverts do is assumed.", "plots.strategies(comparison)"),
    ("belief-map", "What one must believe", "Where five points more retention are worth 25% to 85% more by the simplest "
     "formula of a customer's value.", "plots.belief_map(region)"),
)  # fmt: skip


def page() -> str:
    lines = [HEAD.replace("SETUP", f"{SETUP}\n\n{LATER}")]
    for file, title, shows, call in (*QUICK, *SLOWER):
        lines += [
            f"## {title}",
            "",
            shows,
            "",
            "```py",
            call,
            "```",
            "",
            f"![{title}: {shows}](gallery/{file}.png)",
            "",
        ]
    return "\n".join(lines)


def made(*setup: str) -> dict[str, Any]:
    """The objects of the page."""
    names: dict[str, Any] = {}
    for code in setup:
        exec(code, names)
    return names


def sums(call: str, names: dict[str, Any]) -> dict[str, Any]:
    """Rows and the sums of the columns of numbers, of the data behind a picture."""
    table = eval(call.replace("plots.", "plots.data.", 1), names)
    numbers = table.select_dtypes("number")
    return {"rows": len(table), **{str(name): float(f"{numbers[name].sum():.6g}") for name in numbers}}


def differs(stored: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """The columns whose sums are others than those stored, or are only on one side."""
    return [
        name
        for name in {**stored, **found}
        if not math.isclose(stored.get(name, math.nan), found.get(name, math.nan), rel_tol=2e-4, abs_tol=1e-9)
    ]


def test_the_page_is_as_written():
    assert PAGE.read_text(encoding="utf-8") == page(), "write it: python tests/architecture/test_gallery.py"


def test_every_picture_is_in_the_gallery_and_small():
    calls = [call for *_, call in (*QUICK, *SLOWER)]
    shown = {re.match(r"plots\.(\w+)\(", call)[1] for call in calls}
    assert shown == set(cs.plots.__all__) - {"data"}
    files = {f"{file}.png" for file, *_ in (*QUICK, *SLOWER)}
    assert {path.name for path in FOLDER.iterdir()} == files | {SUMS.name}
    assert max((FOLDER / file).stat().st_size for file in files) < LARGEST
    assert all((FOLDER / file).read_bytes().startswith(b"\x89PNG") for file in files)


def test_the_data_behind_are_those_that_were_drawn(cdnow_split, cdnow_models):
    names = {"churnsim": cs, "plots": cs.plots, "log": cs.datasets.cdnow(), "split": cdnow_split}
    names |= dict(zip(("fit", "spend"), cdnow_models, strict=True))
    stored = json.loads(SUMS.read_text(encoding="utf-8"))
    for file, *_, call in QUICK:
        assert not differs(stored[file], sums(call, names)), file
    assert differs(stored["gaps"], {**stored["gaps"], "share": 0.5}) == ["share"]


@pytest.mark.slow
def test_the_data_of_all_pictures():
    names = made(SETUP, LATER)
    stored = json.loads(SUMS.read_text(encoding="utf-8"))
    for file, *_, call in SLOWER:
        assert not differs(stored[file], sums(call, names)), file


def write() -> None:
    """Draw every picture, and write the page and the sums."""
    import matplotlib as mpl
    from PIL import Image

    mpl.use("Agg")
    names = made(SETUP, LATER)
    stored = {}
    for file, *_, call in (*QUICK, *SLOWER):
        path = FOLDER / f"{file}.png"
        figure = eval(call, names).figure
        figure.savefig(path, dpi=100)
        mpl.pyplot.close(figure)
        # 256 colours are enough, and half of the bytes.
        Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)
        stored[file] = sums(call, names)
    SUMS.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
