# %% [markdown]
# # Test a claim
#
# "A customer who comes back brings 20 to 35% more profit than one who comes first" is said of everybody's customers.
# Is it true of CDNOW's? A claim is tested on a firm's customers, as a market fitted to them and the log of their
# purchases; the same check is run on made-up customers of whom the claim is false, and on others of whom it is true.
# A check that does not tell these two apart would be worth nothing.

# %%
import textwrap

import churnsim
from churnsim import plots
from churnsim.claims import Change, thought_experiment

log = churnsim.datasets.cdnow()
summary = churnsim.summarise(log, until="1998-06-30")
market = churnsim.Market(
    customers=churnsim.PosteriorBase(summary),
    purchases=churnsim.BGNBD.fit(summary).model,
    spend=churnsim.GammaGamma.fit(summary).model,
)
result = churnsim.claims["repeat-premium"].test(market=market, log=log, quick=True)
print(result.answer, "-", result.finding.basis)
print(textwrap.fill(result.finding.reason, 110))
print("where it is false:", result.control.answer, "- where it is true:", result.planted.answer)

# %% [markdown]
# Other claims depend on numbers that a log does not hold. "Five points more retention raise profit by 25 to 85%": the
# simplest arithmetic of a new customer's value says for which retention, discount rate and cost of winning a customer
# that is so. The question is then no longer whether to believe the claim, but on which side of the border the firm
# lies.

# %%
region = thought_experiment(Change.POINTS)
print(textwrap.fill(region.words()[0], 110))

# %%
plots.belief_map(region, third=1)
