# %% [markdown]
# # Cohorts and segments
#
# Before any model: when did customers come, do they come back, and who brings the money? 4,372 customers of a British
# wholesaler of gifts (Online Retail, Chen 2015, CC BY 4.0).

# %%
import churnsim
from churnsim import customers, models, plots

log = churnsim.datasets.load("online-retail")
spend = customers.customer_spend(log)
print(customers.top_share(spend, share=0.20, replications=200))

# %% [markdown]
# RFM: how recently, how often and for how much each customer bought, in five classes each, and the segments that are
# made of them.

# %%
summary = churnsim.summarise(log, unit="W")
segments = models.rfm_segments(summary)
segments.table.round(2)

# %% [markdown]
# One customer in eight is a champion: eleven purchases and more, the last a week ago. Those at risk bought as well as
# the loyal, but not for fifteen weeks: whom to call first. The cohorts warn of the log itself: who was first seen in
# December 2010 comes back twice as often as later cohorts. The firm is older than the log, and its first cohort are
# old customers.

# %%
plots.cohorts(log)
