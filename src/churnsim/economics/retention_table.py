"""The retention table: what a base of customers earns in a year when those who leave are replaced.

Of n customers a share r stays and the others are replaced at once, so that the base keeps its size. A retained
customer brings sales s_k, gross profit g_k and costs k_k of marketing; a lost customer and the one who takes its place
together bring s_n, g_n and cost k_n. The year's figures are then straight lines in r:

    sales = n (r s_k + (1 - r) s_n), and likewise gross profit and marketing;
    net contribution = gross profit - marketing;  profit before tax = net contribution - F;
    return on sales = profit / sales.

Two printed columns determine the two coefficients of each row, so that these rows close *by construction*; what a
table of two columns can get wrong are its sums, its differences, its quotients and an F that is not the same twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.checks import check_number, check_share, typed
from churnsim.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class RetentionColumn:
    """One column: customers as counts, money in the table's unit (millions), shares as fractions.

    Attributes
    ----------
    retention : float
        r, share of the customers who stay.
    retained, lost : float
        Customers who stay, and who are lost and replaced.
    sales, gross_profit, marketing, net_contribution, profit : float
        Money of the year, in the table's unit.
    return_on_sales : float
        Profit over sales.
    """

    retention: float
    retained: float
    lost: float
    sales: float
    gross_profit: float
    marketing: float
    net_contribution: float
    profit: float
    return_on_sales: float


@typed
@dataclass(frozen=True, kw_only=True)
class RetentionTable:
    """Coefficients of the table; `_kept` per retained customer, `_replaced` per lost-and-replaced pair.

    Parameters
    ----------
    customers : float
        n, size of the base.
    sales_kept, gross_kept, marketing_kept : float
        Money per customer who stays.
    sales_replaced, gross_replaced, marketing_replaced : float
        Money per customer lost and the one who takes the place, together.
    other_fixed_cost : float
        F, money a year.

    Examples
    --------
    >>> table = RetentionTable.through(
    ...     customers=1000, retained=(800, 900), sales=(10.0, 11.0), gross_profit=(4.0, 4.5), marketing=(2.0, 1.5),
    ...     other_fixed_cost=1.0,
    ... )
    >>> round(table.column(0.85).profit, 3), round(table.profit_gain(0.8, 0.9), 3), round(table.cost_ratio(), 1)
    (1.5, 1.0, 6.0)
    """

    customers: float
    sales_kept: float
    sales_replaced: float
    gross_kept: float
    gross_replaced: float
    marketing_kept: float
    marketing_replaced: float
    other_fixed_cost: float

    @classmethod
    @typed
    def through(
        cls,
        *,
        customers: float,
        retained: tuple[float, float],
        sales: tuple[float, float],
        gross_profit: tuple[float, float],
        marketing: tuple[float, float],
        other_fixed_cost: float,
    ) -> RetentionTable:
        """The coefficients that two printed columns imply; ConfigError when both columns retain the same number.

        Parameters
        ----------
        customers : float
            n, size of the base in both columns.
        retained : tuple of two floats
            Customers who stay, in the two columns.
        sales, gross_profit, marketing : tuple of two floats
            Money of the year in the two columns.
        other_fixed_cost : float
            F, money a year, the same in both.
        """
        check_number(customers, "customers", above=0)
        if retained[0] == retained[1]:
            raise ConfigError(f"two columns must retain different numbers of customers; both retain {retained[0]!r}.")

        def solve(row: tuple[float, float]) -> tuple[float, float]:
            """(kept, replaced) from kept * retained + replaced * (customers - retained) = row."""
            difference = (row[1] - row[0]) / (retained[1] - retained[0])  # kept - replaced
            replaced = (row[0] - difference * retained[0]) / customers
            return replaced + difference, replaced

        (s_k, s_n), (g_k, g_n), (m_k, m_n) = solve(sales), solve(gross_profit), solve(marketing)
        return cls(
            customers=customers,
            sales_kept=s_k,
            sales_replaced=s_n,
            gross_kept=g_k,
            gross_replaced=g_n,
            marketing_kept=m_k,
            marketing_replaced=m_n,
            other_fixed_cost=other_fixed_cost,
        )

    def column(self, retention: float) -> RetentionColumn:
        """The column at that retention; raises ConfigError outside 0 to 1."""
        check_share(retention, "retention", zero=True)
        kept, lost = self.customers * retention, self.customers * (1.0 - retention)
        sales = kept * self.sales_kept + lost * self.sales_replaced
        gross = kept * self.gross_kept + lost * self.gross_replaced
        marketing = kept * self.marketing_kept + lost * self.marketing_replaced
        net = gross - marketing
        profit = net - self.other_fixed_cost
        return RetentionColumn(
            retention=retention,
            retained=kept,
            lost=lost,
            sales=sales,
            gross_profit=gross,
            marketing=marketing,
            net_contribution=net,
            profit=profit,
            return_on_sales=profit / sales,
        )

    def profit_gain(self, before: float, after: float) -> float:
        """Relative rise of profit before tax when retention goes from `before` to `after`."""
        return self.column(after).profit / self.column(before).profit - 1.0

    def cost_ratio(self) -> float:
        """Marketing cost of a lost-and-replaced pair over that of a retained customer."""
        return self.marketing_replaced / self.marketing_kept
