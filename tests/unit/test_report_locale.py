"""Numbers, money and dates in the client's manner: by the patterns of CLDR 45, written out by hand."""

from __future__ import annotations

from pathlib import Path

import altair as alt
import pytest

from churnsim.errors import ConfigError
from churnsim.plots.altair_chart import tick_labels
from churnsim.plots.theme import WIDE
from churnsim.report.charts.svg import to_svg
from churnsim.report.page import numbers as fmt
from churnsim.study.config.config_file import read_config

SMOKE = Path(__file__).parents[2] / "configs" / "smoke" / "cdnow.toml"


@pytest.mark.parametrize(
    ("locale", "money", "share", "number", "day"),
    [
        ("en", "−€1,234", "12.3%", "1,234,567.89", "1998-06-30"),
        ("en-US", "−€1,234", "12.3%", "1,234,567.89", "06/30/1998"),
        ("de-DE", "−1.234 €", "12,3 %", "1.234.567,89", "30.06.1998"),
        ("fr-FR", "−1 234 €", "12,3 %", "1 234 567,89", "30/06/1998"),
        ("nl-NL", "−€ 1.234", "12,3%", "1.234.567,89", "30-06-1998"),
        ("de-CH", "−€ 1’234", "12.3%", "1’234’567.89", "30.06.1998"),
        ("sv-SE", "−1 234 €", "12,3 %", "1 234 567,89", "1998-06-30"),
    ],
)
def test_figures_are_written_as_the_client_writes_them(
    locale: str, money: str, share: str, number: str, day: str
) -> None:
    def plain(text: str) -> str:
        """With plain spaces in place of those that no line breaks, and without word joiners."""
        return text.translate({ord("\u00a0"): " ", ord("\u202f"): " ", ord("\u2060"): None})

    with fmt.written(locale):
        told = fmt.money(-1234.4, "€"), fmt.percent(0.123), fmt.fixed(1234567.891, 2), fmt.day("1998-06-30T12:00")
    assert tuple(map(plain, told)) == (money, share, number, day)
    assert fmt.money(-1234.4, "$").endswith("$1,234")  # English again


def test_axes_are_written_likewise() -> None:
    rows = alt.InlineData(values=[{"x": 0.0}, {"x": 2e6}])
    with fmt.written("de-DE"):
        axis = alt.Axis(values=[1234567.5], labelExpr=tick_labels(suffix=fmt.currency_suffix("€")))
        svg = to_svg(alt.Chart(rows).mark_point().encode(x=alt.X("x:Q", axis=axis)), size=WIDE, height=80)
    assert "1.234.567,5\u00a0€" in svg or "1.234.567,5&#160;€" in svg


def test_an_unknown_locale_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no locale 'xx-YY'. There are en, .*de-DE"), fmt.written("xx-YY"):
        pass
    text = SMOKE.read_text(encoding="utf-8")
    config = tmp_path / "study.toml"
    for locale, right in (("de-DE", True), ("German", False)):
        config.write_text(f'{text}\n[report]\nlocale = "{locale}"\n', encoding="utf-8")
        if right:
            assert read_config(config).report.locale == locale
            assert read_config(config).canonical() == read_config(SMOKE).canonical()  # no result changes
        else:
            with pytest.raises(ConfigError, match="locale"):
                read_config(config)
