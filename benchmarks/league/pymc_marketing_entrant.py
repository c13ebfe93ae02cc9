"""pymc-marketing's entrant of the league, in an environment of its own; the folder is as `entrants.py` has it.

    /path/to/python/with/pymc-marketing pymc_marketing_entrant.py FOLDER

BG/NBD and Gamma-Gamma at their posterior modes (`method="map"`), with the library's default priors. It gives means, no
law of counts.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from pymc_marketing.clv import BetaGeoModel, GammaGammaModel  # noqa: E402


def forecast(summary: pd.DataFrame, horizon: float) -> pd.DataFrame:
    """Expected purchases and value of every customer until the horizon's end."""
    data = summary[["customer_id", "frequency", "recency", "T", "monetary_value"]]
    counts = BetaGeoModel(data=data)
    counts.fit(method="map", progressbar=False)
    purchases = np.asarray(counts.expected_purchases(future_t=horizon).mean(("chain", "draw")))
    again = data[data["frequency"] > 0]
    spend = GammaGammaModel(data=again)
    spend.fit(method="map", progressbar=False)
    each = np.asarray(spend.expected_customer_spend(data=data).mean(("chain", "draw")))
    return pd.DataFrame({"customer_id": data["customer_id"], "purchases": purchases, "value": purchases * each})


def peak() -> float:
    """Most memory this program has taken, MB (Linux; `ru_maxrss` would count what started it)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main(folder: Path) -> None:
    """Write the forecast and what it cost."""
    origin = json.loads((folder / "origin.json").read_text(encoding="utf-8"))
    summary = pd.read_csv(folder / "summary.csv")
    start = time.process_time()
    found = forecast(summary, float(origin["horizon"]))
    seconds = time.process_time() - start
    found.to_csv(folder / "forecast.csv", index=False)
    memory = peak()
    (folder / "cost.json").write_text(json.dumps({"seconds": seconds, "megabytes": memory}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
