# %% [markdown]
# # Subscribers: who leaves, and when
#
# Under a contract, leaving is seen. The Telco table (IBM) has 7,043 subscribers of a fictional firm: artificial data,
# which show the method and nothing about real subscribers. `tenure` is in months; those who have not left (`churned`
# is false) are censored.

# %%
import textwrap

import churnsim
from churnsim import models, plots

telco = churnsim.datasets.telco()
telco[["tenure", "churned", "contract", "partner", "monthly_charges"]].head()

# %% [markdown]
# How many stay how long, without a model: of the first three years, those with a contract from month to month spend
# how many months as customers?

# %%
models.restricted_means(telco, 36.0, group="contract").round(1)

# %% [markdown]
# Which differences are more than chance, others equal? Cox's regression, whose `ratio` is that of the risks of
# leaving.

# %%
cox = models.SurvivalRegression.fit(telco, covariates=["contract", "partner", "payment_method"])
cox.summary().round(2)

# %% [markdown]
# It takes these ratios to be the same at every tenure. The status says that they are not, and what to do:

# %%
print(textwrap.fill(str(cox.status), 110))

# %% [markdown]
# So each contract gets a curve of its own. And who is worth keeping: what each subscriber who is still there is
# expected to pay within three years, discounted at 10%, given its contract and how long it has stayed already.

# %%
cox = models.SurvivalRegression.fit(telco, covariates=["partner", "payment_method"], strata="contract")
here = telco[~telco["churned"]]
worth = cox.model.residual_value(0.10, here["monthly_charges"], customers=here, horizon=36)
print(worth.groupby(here["contract"]).mean().round(0))
plots.survival(telco, by="contract")
