# %% [markdown]
# # The first hour
#
# From a list of purchases to who is still a customer, what each will buy, and what each is worth. The purchases are
# those of 2,357 customers of CDNOW, who first bought in early 1997; a file of your own goes into
# `churnsim.read_transactions("purchases.csv", customer_id=..., date=..., amount=...)`.

# %%
import churnsim
from churnsim import plots

log = churnsim.datasets.cdnow()
log.head()

# %% [markdown]
# A model needs of each customer only how often it came back (`frequency`), when it last did (`recency`), how long it
# is known (`T`), and what it spent a purchase (`monetary_value`). We look at the customers as they were on 30
# September 1997, in weeks.

# %%
summary = churnsim.summarise(log, until="1997-09-30", unit="W")
summary.head()

# %% [markdown]
# BG/NBD: customers buy at random, each at a rate of its own, and after each purchase leave with a chance of their
# own. Nobody says good-bye; the model infers from silence. The status says in words whether the fit can be relied on.

# %%
fit = churnsim.BGNBD.fit(summary)
print(fit.status)
fit.summary().round(3)

# %% [markdown]
# Three answers for each customer: is it still there, how often will it buy in the next 13 weeks, and (with
# Gamma-Gamma for what a purchase is worth) how much profit will it bring in a year, at a margin of 30%?

# %%
spend = churnsim.GammaGamma.fit(summary)
customers = summary[["frequency", "recency"]].assign(
    alive=fit.model.p_alive(summary),
    purchases=fit.model.expected_purchases(summary, 13),
    value=churnsim.customer_value(
        summary, purchases=fit, spend=spend, annual_discount_rate=0.10, horizon=52, margin=0.30
    ),
)
customers.nlargest(5, "value").round(2)

# %% [markdown]
# Two customers with seven repeat purchases each are not alike: what counts is how long the silence is, measured by
# the customer's own habit. For who buys often, a few silent weeks say much; for who buys seldom, little. (The lowest
# row is a weakness of BG/NBD: it lets customers leave only after a repeat purchase, so that who never came back is
# certainly there. MBG/NBD and Pareto/NBD do not.)

# %%
plots.alive_matrix(fit, T=39.0)
