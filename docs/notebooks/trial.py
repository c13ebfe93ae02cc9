# %% [markdown]
# # Plan an experiment
#
# What a mailing does to the customers is not in a log of purchases; a trial tells. How many customers, for how long,
# and what will it cost? The trial is held on the firm's own customers, replayed: 786 of CDNOW's, as they were at the
# end of 1997.

# %%
import matplotlib.pyplot as plt

import churnsim
from churnsim.evidence import Belief
from churnsim.trials import design_trial

customers = churnsim.summarise(churnsim.datasets.cdnow(), until="1997-12-31").iloc[::3]
market = churnsim.Market(
    customers=churnsim.PosteriorBase(customers),
    purchases=churnsim.BGNBD.fit(customers).model,
    spend=churnsim.GammaGamma.fit(customers).model,
    beliefs={"retention.purchase_lift": Belief(value=1.5, low=0.9, high=3.5, status="assumed", source="our guess")},
)
mails = churnsim.Strategy(name="mails", retention=churnsim.simulation.RetentionContacts(budget_per_period=3000.0))

# %% [markdown]
# What we believe of a mail, with its range, is a guess and says so. We want to tell a purchase rate that is 2.5 times
# as high in the weeks after a mail from one that is as before, with a chance of 70%.

# %%
plan = design_trial(
    market,
    mails,
    about="retention.purchase_lift",
    effect=2.5,
    weeks=[8, 16],
    shares=[0.5],
    power=0.7,
    replications=6,
    seed=1,
)
print(plan)
plan.table[["held_out", "power", "detectable", "cost"]].round(2)

# %% [markdown]
# Nothing is forgone: these mails cost more than they bring, as they are believed to work, so that holding half of the
# customers out earns money. The curve says what else the trial would find. It also says, before a cent is spent,
# which effects it would most likely miss. A trial that may be looked at every day (dashed) pays for that with power.

# %%
figure, axes = plt.subplots(figsize=(6.5, 4), layout="constrained")
axes.plot(plan.power_curve.index, plan.power_curve["power"], color="#2f6690", label="read once, at the end")
axes.plot(
    plan.power_curve.index, plan.power_curve["sequence_power"], "--", color="#2f6690", label="looked at every day"
)
axes.axhline(0.7, color="#999999", lw=1)
axes.yaxis.set_major_formatter("{x:.0%}")
axes.set_ylabel("Chance that the trial shows it")
axes.set_xlabel("Purchase rate after a mail, times that without")
axes.legend(frameon=False)
axes
