# %% [markdown]
# # Whom to write to: uplift, in money
#
# Hillstrom's trial: 64,000 customers were drawn at random to an e-mail about men's clothes, one about women's, or
# none, and what they spent in two weeks was counted. We learn on a random half for whom which mail earns more than it
# costs, and judge on the other half.

# %%
import churnsim
from churnsim import models, plots

campaign = churnsim.datasets.load("hillstrom")
campaign.groupby("arm")["spend"].agg(["count", "mean"]).round(3)

# %% [markdown]
# Suppose a mail costs 10 cents (postage, and the goodwill of who did not want it), and 40% of the spend is profit.

# %%
policy = models.UpliftPolicy.fit(
    campaign,
    covariates=["recency", "history", "mens", "womens", "newbie", "channel"],
    outcome="spend",
    margin=0.40,
    costs={"men": 0.10, "women": 0.10},
    resamples=50,
    seed=1,
)
policy.table.round(3)

# %% [markdown]
# `more` is what the learned policy earns beyond each simple one, a customer, on customers who did not help to learn
# it. It earns *less* than the men's mail for everybody: of 64,000 customers only 578 bought, too few to tell who
# answers to what. The policy leaves out a third of the customers, and writes to half of them about women's clothes:

# %%
policy.shares.round(3)

# %% [markdown]
# Averages are known well, differences between customers are not: the curves do not rise above the straight line of
# writing to customers at random. The answer in money is the men's mail for everybody, and that a trial of this size
# does not pay for targeting.

# %%
plots.qini(policy.qini)
