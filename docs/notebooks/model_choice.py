# %% [markdown]
# # Which model, and is it right?
#
# A model is judged by what it did not see. CDNOW's weeks 1 to 39 are fitted, weeks 40 to 78 held out.

# %%
import churnsim
from churnsim import plots

log = churnsim.datasets.cdnow()
families = [churnsim.BGNBD, churnsim.ParetoNBD, churnsim.NBD]
validation = churnsim.validate(log, families, calibration_end="1997-09-30", holdout_end="1998-06-30")
validation.scores[["actual", "expected", "bias", "mae", "log_score"]].round(3)

# %% [markdown]
# `bias` is of the total: NBD, in which nobody ever leaves, foresees half too many purchases; the two with an unseen
# end a tenth too few. `mae` is the mean error a customer, `log_score` the mean logarithm of the probability given to
# what happened (larger is better), and beside the models stand simple baselines: trees, which only foresee what they
# were trained on, do as well for the total. Is the difference between the models more than chance? `choose_model`
# compares them customer by customer and says what the data leave open.

# %%
choice = churnsim.models.choose_model(validation.split, models=families)
print(choice.reason)
choice.table[["parameters", "loglik", "log_score", "behind", "behind_error"]].round(3)

# %% [markdown]
# A tie is a result: Pareto/NBD and BG/NBD foresee these customers equally well, so that either will do, and what
# depends on the choice should be asked of both (`choice.draw_parameters` does). The picture shows the whole story:
# until the line the models were fitted, after it they foresee.

# %%
plots.tracking(validation, ["bg_nbd", "pareto_nbd", "nbd"])
