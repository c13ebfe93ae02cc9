# %% [markdown]
# # Customer value, and how sure it is
#
# A customer's value is an expectation under a fitted model. Two things are not known: the model's parameters (little,
# with 2,357 customers), and what this customer will do (much, always).

# %%
import churnsim
from churnsim import models, plots

summary = churnsim.summarise(churnsim.datasets.cdnow(), until="1997-09-30", unit="W")
purchases, spend = churnsim.BGNBD.fit(summary), churnsim.GammaGamma.fit(summary)
terms = {"purchases": purchases, "spend": spend, "annual_discount_rate": 0.10, "margin": 0.30, "horizon": 52}
value = models.customer_value_intervals(summary, **terms)
value.nlargest(5, "value").round(2)

# %% [markdown]
# These intervals are of the *expected* value: they hold what is not known of the parameters. All customers together,
# with the chance of a year's purchases in it too:

# %%
total = models.total_value(summary, seed=1, **terms)
print(f"{total.value:,.0f} dollars, 95% interval {total.lower:,.0f} to {total.upper:,.0f}")

# %% [markdown]
# Value is concentrated, which is why one asks: the best tenth of the customers hold more than half of what the next
# year brings.

# %%
best = value["value"].nlargest(len(value) // 10)
print(f"the best tenth hold {best.sum() / value['value'].sum():.0%} of the value")
plots.concentration(value["value"], of="expected profit of the next year", replications=100)
