# %% [markdown]
# # Try a strategy before paying for it
#
# The customers of CDNOW as they were on 30 September 1997 are replayed for a year with nothing done for them, and
# under two strategies that cost 100 dollars every four weeks. What one strategy does to a customer, another does to
# the same customer with the same random numbers, so that a few replications tell them apart.

# %%
import churnsim
from churnsim import plots
from churnsim.simulation import Acquisition, RetentionContacts

split = churnsim.split_holdout(churnsim.datasets.cdnow(), until="1997-09-30")
market = churnsim.Market(
    customers=churnsim.PosteriorBase(split),
    purchases=churnsim.BGNBD.fit(split).model,
    spend=churnsim.GammaGamma.fit(split).model,
)
strategies = [
    churnsim.Strategy(name="nothing"),
    churnsim.Strategy(name="contacts", retention=RetentionContacts(budget_per_period=100)),
    churnsim.Strategy(name="adverts", acquisition=Acquisition(budget_per_period=100)),
]
result = churnsim.compare(market, strategies, replications=10, seed=1, horizon=52)
difference = result.differences("npv", against="nothing")
difference[["strategy", "mean", "lower", "upper", "variance_reduction", "replications"]].round(0)

# %% [markdown]
# Contacts lose nearly all that they cost; adverts may pay. The pairing shows in `variance_reduction`: without it, so
# sure an answer would take that many times the replications. What a contact or an advert does is not in a log of
# purchases. It is assumed here, and the market says which numbers are:

# %%
print(market.retention)
print(market.prospects)

# %%
plots.strategies(result, against="nothing")
