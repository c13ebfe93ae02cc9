# %% [markdown]
# # Donors, and what a posterior adds
#
# 11,104 people first gave to a public radio station in 1995, and could give again in each of the six years after
# (Fader, Hardie & Shang 2010). Gifts by year are opportunities taken or not: BG/BB. The data are counted: a row is a
# history, `customers` how many have it.

# %%
import arviz as az
import matplotlib.pyplot as plt

import churnsim
from churnsim import models

donors = churnsim.datasets.donations()
fit = models.BGBB.fit(donors, weights=donors["customers"])
print(fit.status)
fit.summary().round(3)

# %% [markdown]
# Who gave four times of six, lately, is worth five letters; who gave four times and then fell silent for two years is
# most likely gone.

# %%
four = donors[donors["frequency"] == 4]
four.assign(active=fit.model.p_alive(four).round(2), gifts_in_five_years=fit.model.expected_purchases(four, 5).round(2))

# %% [markdown]
# A posterior says the same with the doubt in it, for any number that one can compute from the model. It comes as
# ArviZ has it. Few draws suffice to look at; for figures in print leave out `draws` and `chains`, and the chains go
# on until they agree.

# %%
posterior = models.sample_posterior(
    models.BGBB, donors, weights=donors["customers"], seed=1, draws=100, predictive=False
)
print(posterior.posterior.attrs["status"])
az.extract(posterior).to_dataframe()[["alpha", "beta", "gamma", "delta"]].quantile([0.025, 0.5, 0.975]).T.round(2)

# %% [markdown]
# The chance to give in a year while active is alpha / (alpha + beta) in the mean, the chance to stop gamma / (gamma +
# delta). The cloud is what the data leave open of the two; the cross is the maximum of the likelihood.

# %%
draws, best = az.extract(posterior), fit.model
figure, axes = plt.subplots(figsize=(6, 4.5), layout="constrained")
gives, stops = (draws[a] / (draws[a] + draws[b]) for a, b in (("alpha", "beta"), ("gamma", "delta")))
axes.scatter(gives, stops, s=6, alpha=0.25, color="#2f6690")
axes.plot(
    best.alpha / (best.alpha + best.beta), best.gamma / (best.gamma + best.delta), "x", ms=12, mew=2.5, color="#1b1b1b"
)
axes.xaxis.set_major_formatter("{x:.1%}")
axes.yaxis.set_major_formatter("{x:.1%}")
axes.set_ylabel("Chance to stop giving, a year")
axes.set_xlabel("Chance to give in a year while active")
axes
