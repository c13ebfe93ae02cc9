"""Staff turnover and service failure: new staff fail more often until they have learned.

With turnover t a year and a learning time of L years, the share of novices settles at t L/(1 + t L); novices fail m
times as often as the experienced, so that failures are 1 + (m - 1) share times what experienced staff would cause.
"""

from __future__ import annotations

from churnsim.checks import check_number, check_share, typed


@typed
def novice_share(turnover: float, learning_years: float) -> float:
    """Share of staff still learning, in the long run; `turnover` is leavers a year per place.

    Examples
    --------
    >>> round(novice_share(0.5, 0.5), 3)
    0.2
    """
    check_number(turnover, "turnover", least=0)
    check_number(learning_years, "learning_years", least=0)
    return turnover * learning_years / (1.0 + turnover * learning_years)


@typed
def failure_factor(share: float, novice_factor: float, *, usual_share: float) -> float:
    """Failures at a share of novices, over failures at the usual share.

    Examples
    --------
    >>> round(failure_factor(0.1, 3.0, usual_share=0.2), 3)
    0.857
    """
    check_share(share, "share", zero=True)
    check_share(usual_share, "usual_share", zero=True)
    check_number(novice_factor, "novice_factor", least=0)
    return (1.0 + (novice_factor - 1.0) * share) / (1.0 + (novice_factor - 1.0) * usual_share)
