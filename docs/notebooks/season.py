# %% [markdown]
# # A season in the model
#
# Online Retail (Chen 2015, CC BY 4.0) is a British wholesaler of gifts, whose customers stock up for Christmas. A
# model that knows no calendar takes autumn for a change in the customers. NBD is the one for these: in their first
# year in the data, too little silence is seen to call anybody gone, and BG/NBD ends at the boundary where nobody is.

# %%
import pandas as pd

import churnsim
from churnsim import plots

log = churnsim.datasets.load("online-retail")
summary = churnsim.summarise(log, until="2011-11-06", unit="W")
print(f"{len(summary):,} customers, {summary['frequency'].sum():,} repeat purchases to 6 November 2011")

# %% [markdown]
# From 5 September on, orders for Christmas come in. The calendar says so, and the fit sizes it: how much more
# frequent are purchases while the series is 1?

# %%
days = pd.to_datetime(["2010-11-29", "2011-09-05", "2011-12-26"])
autumn = churnsim.data.Calendar(series=pd.DataFrame({"autumn": [0.0, 1.0, 1.0]}, index=days))
validation = churnsim.validate(
    log, [churnsim.NBD], calibration_end="2011-11-06", holdout_end="2011-12-09", calendar=autumn, baselines=[]
)
fit = churnsim.NBD.fit(churnsim.summarise(log, until="2011-11-06", calendar=autumn), calendar=autumn)
print(f"likelihood ratio {fit.likelihood_ratio.statistic:.1f}, p = {fit.likelihood_ratio.p_value:.0e}")
fit.summary().round(3)

# %% [markdown]
# Purchases are 14% more frequent in autumn (exp 0.131), which chance does not explain. Of the five weeks held out:

# %%
validation.scores[["actual", "expected", "bias", "log_score"]].round(3)

# %% [markdown]
# The calendar helps, for the total and for single customers, and it is not enough: November is far above September,
# and one year cannot tell a season from the firm's growth. A model that is wrong is worth more when the picture says
# where.

# %%
plots.tracking(validation, cumulative=False)
