"""`churnsim init`, `check` and `schema`: an export becomes a study that reads what the export says."""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli import app
from churnsim.errors import ConfigError, DataError
from churnsim.study.config.config_file import parse_config, read_config
from churnsim.study.config.json_schema import config_schema
from churnsim.study.config.market_overrides import overridden_mechanisms
from churnsim.study.setup.choices import choices_for
from churnsim.study.setup.export import Answers, UndecidedError, read_export
from churnsim.study.stages.data_stage import load_data

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*.toml") if path.parent.name != "claims")


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    """100 customers, 800 purchases within two years and a half, amounts in whole cents; none twice on a day."""
    generator = np.random.default_rng(5)
    rows = pd.DataFrame({
        "customer_id": generator.integers(1, 101, 900),
        "date": pd.Timestamp("2022-01-03") + pd.to_timedelta(generator.integers(0, 900, 900), unit="D"),
        "amount": generator.integers(100, 900_000, 900) / 100,
    })  # fmt: skip
    return rows.drop_duplicates(["customer_id", "date"]).head(800).sort_values("date", ignore_index=True)


@pytest.fixture
def call() -> Callable[..., Any]:
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def german(log: pd.DataFrame, path: Path) -> Path:
    amounts = log["amount"].map(lambda a: f"{a:,.2f}".translate(str.maketrans(",.", ".,")))
    written = pd.DataFrame({
        "Beleg": range(len(log)), "Kunden-Nr.": log["customer_id"].map("K{:04d}".format), "Kundenname": "Müller; Söhne",
        "Rechnungsdatum": log["date"].dt.strftime("%d.%m.%Y"), "Umsatz": amounts,
    })  # fmt: skip
    written.to_csv(path, sep=";", index=False, encoding="cp1252")
    return path


def studied(path: Path, call: Callable[..., Any], *options: str) -> Any:
    """The purchases as the study that `churnsim init` writes reads them."""
    done = call("init", path, "--no-ask", *options)
    assert done.exit_code == 0, done.output
    config = read_config(path.with_suffix(".toml"))
    return load_data(config.data, config.folder)


def test_a_german_export_is_read_to_the_cent(log, tmp_path, call):
    data = studied(german(log, tmp_path / "verkauf.csv"), call, "--encoding", "cp1252")
    assert len(data.transactions) == len(log)
    assert round(data.transactions["amount"].sum() * 100) == round(log["amount"].sum() * 100)
    assert data.facts.customers == log["customer_id"].nunique()
    assert data.holdout_end == log["date"].max().date()
    assert (data.holdout_end - data.calibration_end).days == 364  # more than two years: a whole one is held out


def test_price_times_quantity_with_cancellations_and_guests(log, tmp_path, call):
    lines = pd.DataFrame({
        "InvoiceNo": range(len(log)), "Quantity": 2, "InvoiceDate": log["date"].dt.strftime("%m/%d/%Y %H:%M"),
        "UnitPrice": log["amount"], "CustomerID": log["customer_id"].astype("Int64"), "Country": "France",
    })  # fmt: skip
    last = lines.iloc[[-1]].assign(Quantity=-2)  # taken back on the same day
    everything = pd.concat([lines, last, lines.iloc[[3]]], ignore_index=True)
    everything.loc[len(everything) - 1, "CustomerID"] = pd.NA
    everything.to_csv(tmp_path / "retail.csv", index=False)
    data = studied(tmp_path / "retail.csv", call)
    assert round(data.transactions["amount"].sum() * 100) == round(2 * log["amount"].iloc[:-1].sum() * 100)
    assert sum(data.facts.left_out.values()) == 3  # the guest, the refund, and the purchase of which nothing is left


def test_what_a_file_leaves_open_is_a_question_whose_answers_can_be_followed(log, tmp_path):
    """Days up to 12 alone: day first or month first. Either answer is a reading."""
    early = log[log["date"].dt.day <= 12]
    path = tmp_path / "early.csv"
    pd.DataFrame({
        "client": early["customer_id"], "day": early["date"].dt.strftime("%d/%m/%Y %H:%M"), "paid": early["amount"],
    }).to_csv(path, index=False)  # fmt: skip
    with pytest.raises(UndecidedError, match="Pass date_format=") as question:
        read_export(path, Answers())
    assert question.value.key == "date_format"
    first, second = question.value.choices
    days = read_export(path, Answers(form={"date_format": first})).log["date"]
    assert sorted(days.dt.normalize()) == sorted(early["date"])
    months = read_export(path, Answers(form={"date_format": second})).log["date"]
    assert sorted(months.dt.month) == sorted(early["date"].dt.day)


def test_an_encoding_is_asked_for_with_what_each_makes_of_the_text(log, tmp_path, call):
    path = german(log, tmp_path / "verkauf.csv")
    with pytest.raises(UndecidedError, match="In cp1252 it reads 'Müller'") as question:
        read_export(path, Answers())
    assert (question.value.key, question.value.choices[0]) == ("encoding", "cp1252")
    done = call("init", path, "--no-ask")
    assert done.exit_code == 2
    assert "Pass --encoding" in done.stderr
    assert list(tmp_path.iterdir()) == [path]
    head, _, rows = path.read_bytes().partition(b"\n")
    plain = rows.replace(b"M\xfcller; S\xf6hne", b"Mueller; Soehne") * 30
    path.write_bytes(head + b"\n" + plain + rows)  # the first such word after more than a megabyte
    assert len(plain) > 1 << 20
    with pytest.raises(UndecidedError, match="In cp1252 it reads 'Müller'"):
        read_export(path, Answers())


def test_columns_are_asked_for_where_names_say_nothing(log, tmp_path):
    path = tmp_path / "x.csv"
    log.rename(columns={"customer_id": "a", "date": "b", "amount": "c"}).to_csv(path, index=False)
    with pytest.raises(UndecidedError) as question:
        read_export(path, Answers())
    assert question.value.key == "customer_id"
    with pytest.raises(UndecidedError) as question:
        read_export(path, Answers(columns={"customer_id": "a"}))
    assert (question.value.key, question.value.choices) == ("amount", ("c", "none"))  # b alone holds dates
    assert len(read_export(path, Answers(columns={"customer_id": "a", "amount": "c"})).log) == len(log)
    with pytest.raises(ConfigError, match=r"no column 'z'; it has 'a', 'b', 'c'"):
        read_export(path, Answers(columns={"customer_id": "z"}))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["会员编号", "订单日期", "实付金额"], {"customer_id": "会员编号", "date": "订单日期", "amount": "实付金额"}),
        (["Customer name", "Customer ID", "Order Date", "Total"], {"customer_id": "Customer ID", "amount": "Total"}),
        (["ClientId", "created_at", "Unit price", "Qty", "Line total"], {"amount": "Line total", "date": "created_at"}),
        (["No client", "Date achat", "Prix", "Quantité"], {"price": "Prix", "quantity": "Quantité"}),
    ],
)
def test_names_of_several_languages(names, expected, log, tmp_path):
    kinds = [("date" if "dat" in n.lower() or "created" in n or "日期" in n else n) for n in names]
    number = ("Total", "实付金额", "Unit price", "Qty", "Line total", "Prix", "Quantité")
    frame = pd.DataFrame({
        name: log["date"].dt.strftime("%Y-%m-%d") if kind == "date"
        else log["amount"].round() if name in number else log["customer_id"].map("c{}".format)
        for name, kind in zip(names, kinds, strict=True)
    })  # fmt: skip
    frame.to_csv(tmp_path / "x.csv", index=False)
    found = read_export(tmp_path / "x.csv", Answers()).columns
    assert expected.items() <= found.items()


def test_text_of_the_data_stays_text(log, tmp_path, call):
    """Names that are TOML, Markdown and HTML: the study reads the same column, and the page shows them."""
    name = 'Customer "id" = 1\\ <b>|`x`</b>'
    path = tmp_path / "x.csv"
    log.rename(columns={"customer_id": name}).to_csv(path, index=False)
    assert studied(path, call).facts.customers == log["customer_id"].nunique()
    content = tomllib.loads((tmp_path / "x.toml").read_text(encoding="utf-8"))
    assert content["data"]["customer_id"] == name
    page = (tmp_path / "x-data.md").read_text(encoding="utf-8")
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_a_log_without_amounts_and_one_without_repeaters(log, tmp_path, call):
    path = tmp_path / "visits.csv"
    log[["customer_id", "date"]].to_csv(path, index=False)
    assert not studied(path, call, "--amount", "none").has_amounts
    once = read_export(path, Answers(columns={"amount": "none"}))
    with pytest.raises(DataError, match=r"^0 of 100 customers bought on more than one day"):
        choices_for(replace(once, log=once.log.drop_duplicates("customer_id")), margin=0.3)


@pytest.mark.parametrize(
    ("file", "name", "title"),
    [("Umsätze Müller_FY23.csv", "umsatze-muller_fy23", "Umsätze Müller FY23"), ("銷售.csv", "study", "銷售")],
)
def test_a_study_is_called_after_its_file(file, name, title, log, tmp_path, call):
    """Letters with marks are those without in a name; the title of the report keeps them."""
    log.to_csv(tmp_path / file, index=False)
    assert call("init", tmp_path / file, "--no-ask").exit_code == 0
    config = read_config(tmp_path / f"{name}.toml")
    assert (config.name, config.title) == (name, title)


def test_nothing_is_written_over(log, tmp_path, call):
    path = german(log, tmp_path / "verkauf.csv")
    (tmp_path / "verkauf.toml").write_text("mine")
    done = call("init", path, "--encoding", "cp1252", "--no-ask")
    assert (done.exit_code, (tmp_path / "verkauf.toml").read_text()) == (2, "mine")
    assert "--force" in done.stderr
    assert call("init", path, "--encoding", "cp1252", "--no-ask", "--out", path).exit_code == 2
    assert call("init", path, "--encoding", "cp1252", "--no-ask", "--force").exit_code == 0


@pytest.mark.parametrize("template", ["shop", "donations", "b2b", "bank"])
def test_each_template_is_a_study(template, log, tmp_path, call):
    path = german(log, tmp_path / "verkauf.csv")
    options = ("--encoding", "cp1252", "--no-ask", "--template", template, "--margin", "0.4", "--currency-sign", "€")
    assert call("init", path, *options).exit_code == 0
    config = read_config(tmp_path / "verkauf.toml")
    assert config.market["terms"]["margin"]["value"] == 0.4
    assert [section.name for section in config.strategy if section.reference] == ["no-spending"]
    # A tenth of the margin of four weeks of the last year, by hand.
    year = log[log["date"] > log["date"].max() - pd.Timedelta(days=364)]["amount"].sum()
    assert config.budget.per_period == pytest.approx(0.1 * 0.4 * year * 28 / 364, rel=0.05)  # two digits


def test_a_programme_is_added_by_its_name(log, tmp_path, call):
    path = german(log, tmp_path / "verkauf.csv")
    names = ["club", "referral", "desk", "dismissal"]
    options = ("--encoding", "cp1252", "--no-ask", *(word for name in names for word in ("--programme", name)))
    assert call("init", path, *options).exit_code == 0
    config = read_config(tmp_path / "verkauf.toml")
    assert [section.name for section in config.strategy][-4:] == names
    assert config.strategy[-4].social_bond is not None
    assert config.market["terms"]["cost_to_serve"] > 0  # else a study with a dismissal stops
    assert config.strategy[-3].referral.reward == pytest.approx(0.5 * log["amount"].mean(), rel=0.05)  # two digits
    other = ("init", path, *options[:3], "--out", tmp_path / "other.toml", "--programme")
    done = call(*other, "cheese")
    assert done.exit_code == 2
    assert "There are win-back, club" in done.stderr
    assert call(*other, "win-back").exit_code == 0  # which the template has already: once is enough
    assert [section.name for section in read_config(tmp_path / "other.toml").strategy].count("win-back") == 1


def test_what_a_file_says_is_not_asked(log, tmp_path, call):
    """A margin by what the rows earned, some less than nothing; visits without amounts, by date and id alone."""
    path = tmp_path / "orders.csv"
    earned = (log["amount"] * 0.2).round(2).where(log.index % 10 > 0, -log["amount"] * 0.1)
    log.assign(Profit=earned).to_csv(path, index=False)
    done = call("init", path, "--no-ask")
    assert done.exit_code == 0, done.output
    share = earned.sum() / log["amount"].sum()
    margin = read_config(tmp_path / "orders.toml").market["terms"]["margin"]
    assert (margin["value"], margin["source"][:24]) == (pytest.approx(share, abs=5e-4), "by the column 'Profit', ")
    assert f"{share:.1%} of what was paid" in done.output
    assert call("init", path, "--no-ask", "--force", "--margin", "0.4").exit_code == 0
    assert read_config(tmp_path / "orders.toml").market["terms"]["margin"]["value"] == 0.4
    visits = tmp_path / "visits.csv"
    log[["date", "customer_id"]].rename(columns={"customer_id": "id"}).to_csv(visits, index=False)
    assert len(studied(visits, call).transactions) == len(log)
    assert read_config(visits.with_suffix(".toml")).data.amount is False


def test_a_new_customer_costs_what_is_stated(log, tmp_path, call):
    """At the budget, by the market's own response, within the digits that are written; else the default's is told."""
    path = german(log, tmp_path / "verkauf.csv")
    options = ("init", path, "--encoding", "cp1252", "--no-ask", "--force")
    assert call(*options, "--customer-cost", "2500").exit_code == 0
    config = read_config(tmp_path / "verkauf.toml")
    prospects = overridden_mechanisms(config.market)["prospects"]
    budget = config.budget.per_period
    assert budget / (prospects.size * prospects.share_per_period(budget)) == pytest.approx(2500, rel=0.01)
    little = 1.01 * budget
    more = prospects.share_per_period(little) / prospects.share_per_period(budget)
    assert more - 1 == pytest.approx(0.0022, rel=0.02)
    assert call(*options).exit_code == 0
    text = (tmp_path / "verkauf.toml").read_text(encoding="utf-8")
    assert "prospects" not in read_config(tmp_path / "verkauf.toml").market
    assert re.search(r"default about [\d.e+,]+, [\d.e+,]+ typical purchases", text)
    for cost, said in (("0.01", "people of about 800 who could still"), ("0", "customer-cost")):
        done = call(*options, "--customer-cost", cost)
        assert done.exit_code == 2
        assert said in done.stderr


def test_a_budget_of_donations_pays_an_appeal_a_year_to_each_donor(tmp_path, call):
    """Donors who give seldom: a tenth of what four weeks bring would not pay for their letters."""
    days = pd.Timestamp("2021-01-04") + pd.to_timedelta(np.arange(700) * 7 % 900, unit="D")
    gifts = pd.DataFrame({"donor": np.arange(700) % 600, "date": days, "gift": 50.0})
    gifts.to_csv(tmp_path / "gifts.csv", index=False)
    assert call("init", tmp_path / "gifts.csv", "--template", "donations", "--no-ask").exit_code == 0
    config = read_config(tmp_path / "gifts.toml")
    # 600 letters a year at a twentieth of 50, in periods of four weeks; two digits.
    assert config.budget.per_period == pytest.approx(600 * 2.5 * 28 / 364, rel=0.05)
    assert config.market["terms"]["margin"] == {"value": 0.9, "low": 0.54, "high": 0.95}


def subscribers(path: Path) -> Path:
    generator = np.random.default_rng(2)
    plan = generator.choice(["basic", "plus"], 200)
    life, seen = generator.geometric(np.where(plan == "basic", 0.08, 0.03)), generator.integers(1, 30, 200)
    pd.DataFrame({
        "Subscriber ID": [f"S{number}" for number in range(200)], "Months": np.minimum(life, seen),
        "Cancelled": np.where(life <= seen, "yes", "no"), "Plan": plan,
        "Monthly fee": np.where(plan == "basic", 9.0, 19.0), "Notes": [f"note {number}" for number in range(200)],
    }).to_csv(path, index=False)  # fmt: skip
    return path


def test_a_file_of_subscribers_is_a_study_of_contracts(tmp_path, call):
    path = subscribers(tmp_path / "subs.csv")
    done = call("init", path, "--template", "subscription", "--no-ask", "--margin", "0.5")
    assert done.exit_code == 0, done.output
    config = read_config(tmp_path / "subs.toml")
    assert (config.setting, config.data.tenure, config.data.churned) == ("contractual", "Months", "Cancelled")
    assert set(config.data.covariates) == {"Plan", "Monthly fee"}  # neither ids nor notes
    frame = pd.read_csv(path)
    paid = frame.loc[frame["Cancelled"] == "no", "Monthly fee"].sum()
    assert config.budget.per_period == pytest.approx(0.1 * 0.5 * paid, rel=0.05)  # two digits
    assert f"{(frame['Cancelled'] == 'yes').sum()} have left" in (tmp_path / "subs-data.md").read_text()
    assert [section.name for section in config.strategy if section.reference] == ["no-spending"]


def test_what_a_file_of_subscribers_leaves_open_is_asked_by_an_option(tmp_path, call):
    path = tmp_path / "subs.csv"
    lines = [
        f'{n},{1 + n % 9},{"是" if n % 3 else "否"},"NT$1,{200 + n % 2}",{"北" if n % 5 else "南"}' for n in range(40)
    ]
    path.write_text("\n".join(["客戶編號,在網月數,流失,月費,地區", *lines]), encoding="utf-8")
    asked = call("init", path, "--template", "subscription", "--no-ask")
    assert asked.exit_code == 2
    assert "Pass --decimal" in asked.stderr
    assert "[data]" not in asked.stderr
    done = call("init", path, "--template", "subscription", "--no-ask", "--decimal", ".")
    assert "40 subscribers, of whom 26 have left" in done.stdout
    assert read_config(tmp_path / "subs.toml").data.currency == "NT$"


def test_what_no_name_tells_of_subscribers_is_asked_by_its_option(tmp_path, call):
    path = subscribers(tmp_path / "subs.csv")
    frame = pd.read_csv(path).rename(columns={"Cancelled": "Z"})
    frame.to_csv(path, index=False)
    done = call("init", path, "--template", "subscription", "--no-ask")
    assert (done.exit_code, "who has left" in done.stderr) == (2, True)
    assert call("init", path, "--template", "subscription", "--no-ask", "--churned", "Z").exit_code == 0
    days = ("--start", "Months", "--observed-until", "30/06/2024")
    assert "Write it as 2024-06-30" in call("init", path, "--template", "subscription", *days, "--force").stderr


def test_check_says_what_will_be_done_and_what_is_assumed(tmp_path, call):
    done = call("check", ROOT / "configs" / "smoke" / "cdnow.toml", "--json", tmp_path / "check.json")
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "check.json").read_text())
    assert told["data"]["customers"] == 2357
    assert {row["stage"] for row in told["work"]} >= {"models", "strategies", "claims"}
    assumed = {row["parameter"]: row for row in told["assumed"]}
    assert assumed["terms.margin"]["value"] == 0.3
    assert not any(name.startswith(("purchases.", "spend.")) for name in assumed)
    assert "terms.margin" in done.output


def test_check_lists_what_is_wrong(tmp_path, call):
    path, study = tmp_path / "bad.toml", (ROOT / "configs" / "smoke" / "cdnow.toml").read_text()
    path.write_text(study.replace("horizon =", "horizn ="))
    done = call("check", path)
    assert done.exit_code == 2
    assert "horizn" in done.stderr
    # Known of the market before anything is fitted.
    path.write_text(study + '[[strategy]]\nname = "parting"\ndismissal = { periods = 1 }\n')
    done = call("check", path)
    assert (done.exit_code, "strategy 'parting': dismissal does nothing" in done.stderr) == (2, True)


def in_json(value: Any) -> Any:
    """As a language server hands TOML to a schema: dates are text."""
    if isinstance(value, dict):
        return {key: in_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_json(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_schema_takes_every_configuration_of_the_repository(path, validator):
    found = [error.message for error in validator.iter_errors(in_json(tomllib.loads(path.read_text("utf-8"))))]
    assert found == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('unit = "W"', 'unit = "weeks"'),
        ('horizon = "', 'horizn = "'),
        ("seed = ", "seed = -"),
        ('purchases = "bg_nbd"', 'purchases = "bgnbd"'),
        ("[market.terms]\n", "[market.terms]\nmargn = 0.3\n"),
        ("[market.terms]\n", "[market.terms]\nfixed_cost_per_period = { low = 0.1, high = 0.2 }\n"),
        ('rule = "all"', 'rule = "everybody"'),
        ("per_period = 200.0", 'per_period = "200"'),
    ],
)
def test_control_the_schema_refuses_what_the_reader_refuses(old, new, validator):
    text = (ROOT / "configs" / "smoke" / "cdnow.toml").read_text(encoding="utf-8")
    assert old in text
    wrong = text.replace(old, new, 1)
    with pytest.raises(ConfigError):
        parse_config(wrong)
    assert not validator.is_valid(in_json(tomllib.loads(wrong)))


def test_two_currencies_are_told_by_the_column_and_converted_as_stated(log, tmp_path, call):
    path = tmp_path / "x.csv"
    both = log.assign(Währung=["EUR", "GBP"] * (len(log) // 2)).rename(columns={"amount": "Rechnungsbetrag"})
    both.to_csv(path, index=False)
    done = call("init", path, "--no-ask")
    assert (done.exit_code, "Pass --rate" in done.stderr) == (2, True)
    data = studied(path, call, "--rate", "EUR=1", "--rate", "GBP=2", "--currency-sign", "€")
    amounts = log["amount"].to_numpy()
    assert data.transactions["amount"].sum() == pytest.approx(amounts[::2].sum() + 2 * amounts[1::2].sum(), rel=1e-12)
    alone = tmp_path / "alone.csv"
    log.to_csv(alone, index=False)
    done = call("init", alone, "--no-ask", "--rate", "EUR=1")
    assert (done.exit_code, "no column says which currency" in done.stderr) == (2, True)


def test_a_parquet_file_and_a_price_alone(log, tmp_path, call):
    path = tmp_path / "x.parquet"
    log.rename(columns={"amount": "Unit price"}).assign(Qty=3).to_parquet(path)
    data = studied(path, call, "--price", "Unit price")  # the quantity is told by its name
    assert data.transactions["amount"].sum() == pytest.approx(3 * log["amount"].sum(), rel=1e-12)
    log.rename(columns={"amount": "Unit price"}).to_parquet(path)
    done = call("init", path, "--no-ask", "--price", "Unit price", "--force")
    assert (done.exit_code, "price and quantity belong together" in done.stderr) == (2, True)


def test_a_typical_purchase_is_a_day_and_not_a_line(log, tmp_path, call):
    path = tmp_path / "lines.csv"
    pd.concat([log, log, log, log]).to_csv(path, index=False)  # four lines a purchase
    assert studied(path, call).facts.customers == 100
    cost = read_config(tmp_path / "lines.toml").strategy[3].win_back.cost_per_contact
    assert cost == pytest.approx(0.05 * 4 * log["amount"].mean(), rel=0.05)  # two digits


def workbook(path: Path, **sheets: pd.DataFrame) -> Path:
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        for title, frame in sheets.items():
            frame.to_excel(book, sheet_name=title, index=False)
    return path


def test_sheets_with_the_same_columns_are_read_one_below_another(log, tmp_path, call):
    """In any order of the columns; which sheets there are is said, and asked where nobody says which."""
    early, late = log["date"] < "2023-01-01", log["date"] >= "2023-01-01"
    turned = log.loc[late, ["amount", "date", "customer_id"]]
    path = workbook(tmp_path / "sales.xlsx", y2022=log[early], Empty=pd.DataFrame(), y2023=turned)
    with pytest.raises(UndecidedError, match="'y2022', 'y2023'") as asked:
        read_export(path, Answers())
    assert (asked.value.key, asked.value.choices) == ("sheet", ("y2022", "y2023", "*"))
    said = call("init", path, "--no-ask")
    assert said.exit_code == 2
    assert "'*' is all of them, which have the same columns. One of 'y2022', 'y2023', '*'. Pass --sheet." in said.output
    found = studied(path, call, "--sheet", "*").transactions
    read, written = (sorted(zip(frame["date"], frame["amount"], strict=True)) for frame in (found, log))
    assert read == written
    # The same rows and amounts in the database; what cannot be read is told by a number that one can count to.
    said = call("db", "add", tmp_path / "all.db", path, "--sheet", "*")
    assert said.exit_code == 0, said.output
    assert f"{len(log):,} rows" in said.output
    log = log.assign(amount=log["amount"].where(log.index != log.index[late][-1]))
    bad = workbook(tmp_path / "bad.xlsx", a=log[early], b=log[late])
    with pytest.raises(DataError, match=f"row through the sheets {len(log) + 2}, "):
        cs.read_transactions(bad, customer_id="customer_id", date="date", amount="amount", sheet="*")
    other = workbook(tmp_path / "other.xlsx", a=log, b=log.rename(columns={"amount": "paid"}))
    with pytest.raises(DataError, match=r"sheet 'b' has the columns .*'paid'.* Pass sheet=\.$"):
        cs.read_transactions(other, customer_id="customer_id", date="date", amount="amount", sheet="*")


def test_titles_above_the_names_and_currencies_in_amounts_are_read_over(log, tmp_path, call):
    """To the cent, with lines named as an editor counts them; amounts of two currencies are never added up."""
    amounts = log["amount"].map(lambda a: f"{a:,.2f} €".translate(str.maketrans(",.", ".,")))
    back = f"({amounts.iloc[4]})"
    rows = [
        *log["customer_id"].astype(str).str.cat([log["date"].dt.strftime("%d.%m.%Y"), amounts], sep=";"),
        f"{log['customer_id'].iloc[4]};{log['date'].iloc[4]:%d.%m.%Y};{back}", "7;31.12.2025 neu;1,00 €",
    ]  # fmt: skip
    path = tmp_path / "liste.csv"
    path.write_text(
        "\n".join(["Umsatzliste", "Stand: heute;;", "", "Kundennr.;Belegdatum;Betrag", *rows]), encoding="utf-8"
    )
    data = studied(path, call)
    assert round(data.transactions["amount"].sum() * 100) == round(log["amount"].drop(4).sum() * 100)
    assert data.facts.set_aside[0]["row"] == len(log) + 6
    path.write_text(path.read_text(encoding="utf-8").replace("€", "$", 1), encoding="utf-8")
    done = call("init", path, "--no-ask", "--out", tmp_path / "two.toml")
    assert "'Betrag': the amounts are in '$' and '€'" in done.stderr, done.output


def test_sheets_called_alike_are_read_among_others(log, tmp_path, call):
    """Each below a title; the cover and the list of accounts are other tables."""
    path = tmp_path / "orders.xlsx"
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        pd.DataFrame({"Orders": ["Sales"], "": ["GBP"]}).to_excel(book, sheet_name="Cover", index=False)
        for year, rows in log.groupby(log["date"].dt.year):
            rows.to_excel(book, sheet_name=f"FY{year}", index=False, startrow=2)
            book.sheets[f"FY{year}"]["A1"] = f"Orders {year}"
        log[["customer_id"]].to_excel(book, sheet_name="Accounts", index=False)
    with pytest.raises(UndecidedError, match="'FY202\\*' is all those called so, which have the same columns") as asked:
        read_export(path, Answers())
    found = studied(path, call, "--sheet", asked.value.choices[-1]).transactions
    assert sorted(zip(found["date"], found["amount"], strict=True)) == sorted(
        zip(log["date"], log["amount"], strict=True)
    )


def test_what_is_no_purchase_is_said(log, tmp_path, call):
    """An order of "voided" is left out, and so is one of which all was given back; a part is taken off. A word of the
    same kind about a newsletter or a part of an order leaves nothing out. The amount is none of the others."""
    path = tmp_path / "orders.csv"
    back = [0.0, 0.0, 0.5, log["amount"][3], *[0.0] * (len(log) - 5), None]
    pd.DataFrame({
        "Financial Status": ["paid", "voided ", "partially_refunded", *["paid"] * (len(log) - 3)],
        "Newsletter": ["cancelled", *["yes"] * (len(log) - 1)], "Currency": "EUR", "Discount Amount": 0.0,
        "Refunded Amount": back, "Refunded Taxes": 0.0, "Taxes": 1.0, "Total": log["amount"], "Created at": log["date"],
        "Email": log["customer_id"].map("{}@x.org".format),
    }).to_csv(path, index=False)  # fmt: skip
    done = call("init", path, "--no-ask")
    assert "left out: 1 rows with 'voided' in 'Financial Status'" in done.output
    assert "look at column 'Newsletter': rows with 'cancelled' are read as the others are" in done.output
    assert "look at column 'Refunded Taxes': what was given back is not taken off" in done.output
    assert "left out: 1 purchases of which all was given back" in done.output
    assert "'voided'" in (tmp_path / "orders-data.md").read_text(encoding="utf-8")
    config = read_config(tmp_path / "orders.toml")
    assert (config.data.amount, config.data.currency) == ("Total", "€")
    assert config.data.leave_out == {"Financial Status": ["voided"]}
    assert (config.data.refunded, config.data.on_bad) == ("Refunded Amount", "raise")
    found = load_data(config.data, config.folder).transactions
    assert round(found["amount"].sum() * 100) == round(log["amount"].drop([1, 3]).sum() * 100) - 50
    kept = call("init", path, "--no-ask", "--out", tmp_path / "b.toml", "--leave-out", "Newsletter=cancelled")
    assert kept.exit_code == 0, kept.output
    assert read_config(tmp_path / "b.toml").data.leave_out == {"Newsletter": ["cancelled"]}


def test_invoices_are_what_was_paid_less_what_was_given_back(log, tmp_path, call):
    """Failed and paused invoices are none, in a state of the order and not of a membership; a refund with a minus of
    its own is taken off, and one of a charge that is still there as it was leaves it out."""
    log = log.assign(Customer=log["customer_id"], Status="paid", Membership_Status="expired", Currency="usd")
    given, charged = log.iloc[700:710], log.iloc[710:720]
    failed, paused = log.iloc[:30].assign(Status="failed"), log.iloc[30:60].assign(Status="paused", amount=0.0)
    rows = pd.concat([log.drop(charged.index), failed, paused, charged.assign(Status="charged_back"), given.assign(
        Status="refunded", amount=-given["amount"])])  # fmt: skip
    rows.drop(columns="customer_id").to_csv(tmp_path / "invoices.csv", index=False)
    found = studied(tmp_path / "invoices.csv", call).transactions
    assert round(found["amount"].sum() * 100) == round(log["amount"].drop([*given.index, *charged.index]).sum() * 100)
    assert len(found) == len(log) - 20
    config = read_config(tmp_path / "invoices.toml")
    assert config.data.currency == "USD"
    rows["Currency"] = ["USD", "EUR"] * (len(rows) // 2) + ["EUR"] * (len(rows) % 2)
    rows.drop(columns="customer_id").to_csv(tmp_path / "two.csv", index=False)
    studied(tmp_path / "two.csv", call, "--rate", "USD=0.9", "--rate", "EUR=1")
    assert read_config(tmp_path / "two.toml").data.currency == "€"


def test_what_is_open_is_asked_of_a_person(log, tmp_path, call, monkeypatch):
    """Contracts that end in 9999, and purchases in two currencies; what says who left tells nobody apart."""
    answers = iter(["2024-06-30", "USD=1 EUR=2"])
    monkeypatch.setattr("churnsim.cli.setup.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr("churnsim.cli.setup.typer.prompt", lambda _: next(answers))
    ends = [*["31/12/9999", "00/00/0000", ""] * 13, "28/02/2024"] * 2
    path = tmp_path / "contracts.csv"
    pd.DataFrame({
        "Contract No": range(80), "Start Date": "13/01/2023", "End Date": ends,
        "Status": ["Cancelled" if end == "28/02/2024" else "Active" for end in ends], "Monthly Fee": "£9.90",
        "Plan": ["Basic", "Plus"] * 40,
    }).to_csv(path, index=False)  # fmt: skip
    done = call("init", path, "--template", "subscription")
    assert done.exit_code == 0, done.output
    assert "80 subscribers, of whom 2 have left" in done.output
    section = read_config(tmp_path / "contracts.toml").data
    assert (section.charge, section.covariates) == ("Monthly Fee", ("Plan",))
    both = log.assign(currency=["USD", "EUR"] * 400)
    both.to_csv(tmp_path / "both.csv", index=False)
    done = call("init", tmp_path / "both.csv")
    assert done.exit_code == 0, done.output
    assert read_config(tmp_path / "both.toml").data.exchange_rates == {"USD": 1.0, "EUR": 2.0}


@pytest.mark.parametrize(("answers", "dates"), [("2\n", "shipped"), ("7\nthe first\nordered\n", "ordered")])
def test_a_person_answers_by_number_or_name_and_is_asked_again(answers, dates, log, tmp_path, monkeypatch):
    monkeypatch.setattr("churnsim.cli.setup.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    path = tmp_path / "log.csv"
    later = log["date"] + pd.Timedelta(days=3)
    log.rename(columns={"date": "ordered"}).assign(shipped=later).to_csv(path, index=False)
    done = CliRunner().invoke(app, ["init", str(path)], input=answers)
    assert done.exit_code == 0, done.output
    assert "  2  shipped   (" in done.output
    assert done.output.count("is none of these") == answers.count("\n") - 1
    assert read_config(tmp_path / "log.toml").data.date == dates


def test_the_command_prints_the_schema_or_writes_it(tmp_path, call):
    printed = call("schema")
    written = call("schema", "--out", tmp_path / "study.json")
    assert (printed.exit_code, written.exit_code, written.stdout) == (0, 0, "")
    assert json.loads(printed.stdout) == json.loads((tmp_path / "study.json").read_text("utf-8")) == config_schema()
