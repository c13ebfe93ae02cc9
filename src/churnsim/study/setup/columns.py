"""Which column of an export holds what: told by its name, in the languages exports come in, and by its values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from churnsim.data.tabular.format_detection import CODES
from churnsim.data.tabular.open_source import open_source
from churnsim.data.tabular.source import FileFormat, Spelling
from churnsim.data.tabular.text_columns import as_text
from churnsim.errors import DataError

LOOKED_AT = 5_000
"""Rows by which a column is judged."""
SHOWN, WIDEST = 3, 60
MOSTLY = 0.8
"""Assumed: the share of values that must be dates or numbers for a column of them."""

# Words of a column's name, whole ones; what comes first says more. Written without accents and in lower case.
WORDS: dict[str, tuple[str, ...]] = {
    "customer_id": (
        "customer id", "customerid", "client id", "member id", "kundennummer", "kundennr", "kunden nr", "kunden id",
        "no client", "id client", "id cliente", "codice cliente", "buyer id", "user id", "donor id", "account id",
        "客户编号", "客户号", "客户id", "会员编号", "会员号", "会员id", "用户id", "客戶編號", "會員編號",
        "subscriber id", "subscription id", "subscriber", "contract no", "contract id", "contract number",
        "vertragsnummer", "vertragsnr", "policy no", "policy number", "iban", "kontonummer", "account no",
        "household id", "household", "hshd num", "shopper id",
        "customer", "client", "cliente", "kunde", "klant", "buyer", "member", "donor", "user", "account", "cust",
        "客户", "会员", "用户", "客戶", "會員", "debitor", "spender", "klantnummer", "mitgliedsnummer", "email", "card",
    ),
    "date": (
        "order date", "invoice date", "purchase date", "transaction date", "invoicedate", "orderdate", "bestelldatum",
        "rechnungsdatum", "kaufdatum", "date commande", "date achat", "fecha", "datum", "date", "日期", "下单时间",
        "时间", "timestamp", "created at", "created", "data", "day", "tag", "time", "zeit",
    ),
    "amount": (
        "amount", "total", "line total", "total price", "revenue", "sales", "betrag", "umsatz", "summe", "montant",
        "importe", "importo", "bedrag", "gross", "net", "value", "paid", "gift", "donation", "金额", "销售额", "金額",
        "实付", "spend", "subtotal", "spende",
    ),
    "price": (
        "unit price", "unitprice", "einzelpreis", "stuckpreis", "prix unitaire", "precio unitario", "单价", "單價",
        "price", "preis", "prix", "precio", "prezzo", "prijs", "价格",
    ),
    "quantity": (
        "quantity", "qty", "menge", "anzahl", "stuck", "quantite", "cantidad", "quantita", "aantal", "pieces", "units",
        "数量", "數量", "件数",
    ),
    "tenure": (
        "tenure", "months", "duration", "account length", "length", "lifetime", "laufzeit", "duree", "duracion",
        "在网时长", "在網月數", "租期", "期数",
    ),
    "churned": (
        "churned", "churn", "left", "cancelled", "canceled", "terminated", "exited", "attrition", "gekundigt",
        "resilie", "流失", "离网", "退租",
    ),
    "start": (
        "start date", "start", "signup date", "sign up", "signup", "joined", "since", "activation date", "beginn",
        "debut", "inicio", "开通日期", "开始", "開始", "入网",
    ),
    "end": (
        "end date", "end", "cancel date", "cancellation date", "cancelled at", "left on", "ende", "fin",
        "到期", "结束", "結束",
    ),
    "charge": (
        "monthly charges", "monthly charge", "monthly fee", "monthly price", "mrr", "charge", "charges", "fee", "rate",
        "price", "beitrag", "prix", "precio", "月费", "月費", "月租",
    ),
    "profit": (
        "profit", "gross profit", "contribution", "contribution margin", "margin amount", "gewinn", "deckungsbeitrag",
        "rohertrag", "marge", "beneficio", "utile", "winst", "利润", "利潤", "毛利",
    ),
    "currency": (
        "currency", "ccy", "currency code", "wahrung", "waehrung", "devise", "moneda", "valuta", "币种", "货币", "幣別",
    ),
}  # fmt: skip
KINDS = {
    "date": "date", "amount": "number", "price": "number", "quantity": "number", "tenure": "number", "start": "date",
    "end": "date", "charge": "number", "profit": "number",
}  # fmt: skip
"""What must stand in a column of a role, where that can be seen."""
ENDINGS: dict[str, tuple[str, ...]] = {
    "date": ("datum", "date"), "amount": ("betrag", "bedrag", "umsatz", "spende"), "customer_id": ("kundennummer",),
}  # fmt: skip
"""How compound names of a role end, as "Belegdatum" and "Rechnungsbetrag"."""
NOT_THE_CUSTOMER = ("name", "type", "group", "segment", "country", "city", "age", "since")
"""Words beside "customer" that make it another thing."""
NOT_WHAT_WAS_PAID = (
    "discount", "tax", "taxes", "vat", "shipping", "refund", "refunded", "tip", "due", "outstanding", "cost", "rabatt",
    "steuer", "mwst", "versand", "remise", "tva", "descuento", "iva", "sconto", "korting", "btw", "折扣", "税",
)  # fmt: skip
"""Words beside "amount" that make it another thing."""


@dataclass(frozen=True, kw_only=True)
class ExportColumns:
    """The columns of an export: `candidates` by role, the likeliest first, those that could hold it by content, the
    first values of each, those that may say of rows that they are no purchases, with what they say, and the states that
    say so of an order, by column."""

    found: tuple[str, ...]
    candidates: Mapping[str, tuple[str, ...]]
    possible: Mapping[str, tuple[str, ...]]
    samples: Mapping[str, str]
    doubtful: Mapping[str, str]
    undone: Mapping[str, tuple[str, ...]]


def export_columns(source: Any, form: FileFormat) -> ExportColumns:
    """Look at the names and the first rows of a file or table. Raises DataError for one that cannot be read."""
    records = open_source(source, form)
    try:
        found = records.columns()
        piece = next(
            iter(records.pieces(found, lambda raw, flaws, spelling: raw, Spelling(dates={}, numbers={}))), None
        )
    except OSError as error:
        raise DataError(f"{source} cannot be read ({error.strerror or error}).") from None
    if piece is None or piece.frame.empty:
        raise DataError(f"{source}: there is no row below the names of the columns. Give at least one purchase.")
    rows = piece.frame.head(LOOKED_AT)
    holds = {name: _holds(rows[name]) for name in found}
    possible = {role: tuple(name for name in found if KINDS.get(role) in (None, holds[name])) for role in WORDS}
    ranked = {role: _ranked(role, possible[role]) for role in WORDS}
    samples = {name: ", ".join(map(str, rows[name].dropna().unique()[:SHOWN]))[:WIDEST] for name in found}
    undone = {name: said for name in found if holds[name] == "text" and (said := _undone(piece.frame[name]))}
    doubtful = {name: told for name in found if (told := _doubt(name, holds[name], undone.get(name)))}
    states = {name: undone[name] for name in undone if name not in doubtful}
    return ExportColumns(
        found=tuple(found), candidates=ranked, possible=possible, samples=samples, doubtful=doubtful, undone=states
    )


def _undone(values: pd.Series[Any]) -> tuple[str, ...]:
    """The values of a column with few of them that say that a purchase did not come about, or was taken back whole."""
    levels = values.dropna().astype(str).str.strip().unique()
    if len(levels) > MOST_STATES:
        return ()
    words = {level: level.casefold() for level in levels}
    return tuple(
        level for level, word in words.items()
        if any(part in word for part in UNDONE) and not any(part in word for part in NOT_UNDONE)
    )  # fmt: skip


def _doubt(name: str, holds: str, undone: Sequence[str] | None) -> str:
    """What a column says of rows that may be no purchases: words of a few, or amounts given back."""
    said = set(_words(name).split())
    if holds == "number":
        return "what was given back is not taken off" if said & {"refund", "refunded"} else ""
    if not undone or said & STATES:
        return ""
    told = ", ".join(map(repr, undone[:SHOWN]))
    return f"rows with {told} are read as the others are; leave_out in [data] can leave them out"


def _ranked(role: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names that speak of a role, the one that says it best first; of equals only the first rank."""
    ranks = {name: _rank(role, name) for name in names}
    return tuple(sorted((name for name in names if ranks[name] is not None), key=lambda name: ranks[name] or 0))


def _rank(role: str, name: str) -> int | None:
    """How well a name speaks of a role: the place of its word, None for none."""
    told = _words(name)
    if any(f" {word} " in told for word in OTHER_THINGS.get(role, ())):
        return None
    for place, word in enumerate(WORDS[role]):
        # Chinese has no spaces between words.
        if f" {word} " in told or (not word.isascii() and word in told):
            return place
    if told.rstrip().endswith(ENDINGS.get(role, ("no ending",))):
        return len(WORDS[role])
    return None


UNDONE = (
    "cancel", "void", "refunded", "returned", "failed", "declined", "storn", "retour", "annul", "rembours", "anulad",
    "devuelt", "已取消", "退款", "退货",
)  # fmt: skip
"""In a column of states: what says that a purchase did not come about, or was taken back."""
NOT_UNDONE = ("partial", "not ", "non ", "teilweise", "parti", "部分", "未")
STATES = {"status", "state", "zustand", "statut", "estado", "stato", "stand", "状态", "狀態", "订单状态", "訂單狀態"}
"""Words in the name of a column of the states of orders; such words elsewhere may be about the customer."""
MOST_STATES = 20
OTHER_THINGS = {"customer_id": NOT_THE_CUSTOMER, "amount": NOT_WHAT_WAS_PAID, "price": NOT_WHAT_WAS_PAID}


def _words(name: str) -> str:
    """The words of a name between spaces, in lower case and without accents: "KundenNr." as " kunden nr "."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = unicodedata.normalize("NFKD", apart.casefold())
    kept = "".join(mark for mark in plain if not unicodedata.combining(mark))
    return " ".join(["", *re.findall(r"[^\W_]+", kept), ""])


def _holds(values: pd.Series[Any]) -> str:
    """ "date", "number" or "text"."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if pd.api.types.is_bool_dtype(values):
        return "text"
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    text = as_text(values)
    present = pd.Series(text.to_pylist(), dtype=object).dropna()
    present = present[present.str.strip() != ""]
    if present.empty:
        return "text"
    if present.str.fullmatch(DATE_LIKE).mean() >= MOSTLY:
        return "date"
    return "number" if present.str.fullmatch(NUMBER_LIKE).mean() >= MOSTLY else "text"


DATE_LIKE = r"\s*(\d{8}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))([ T].*)?\s*"
SIGN = rf"(?:[A-Za-z]{{0,3}}[$\xa2\xa3\xa5\u0e3f\u20a0-\u20bf]|{CODES})?"
NUMBER_LIKE = rf"\s*[(+-]?\s*{SIGN}\s*[+-]?(?:\d[\d.,' \u00a0\u202f]*|[.,]\d+)\s*{SIGN}\s*[-)]?\s*"
