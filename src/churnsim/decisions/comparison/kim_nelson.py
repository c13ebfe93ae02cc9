"""Choosing the best of k systems: the fully sequential procedure of Kim & Nelson.

S.-H. Kim & B. L. Nelson (2001), "A fully sequential procedure for indifference-zone selection in simulation", ACM
TOMACS 11, 251-273; procedure KN with c = 1. With S2_il the variance of the paired differences X_ij - X_lj over the
first n0 replications,

    eta = ((2 alpha / (k - 1))^(-2/(n0 - 1)) - 1) / 2,     h2 = 2 eta (n0 - 1),
    W_il(r) = max(0, delta/(2 r) (h2 S2_il / delta^2 - r)),

system i stays after r replications while mean_i >= mean_l - W_il(r) for every l that was still in, and when
r > max N_il, N_il = floor(h2 S2_il / delta^2), the largest mean is taken. If the replications of all systems are
jointly normal and the best mean exceeds the others by at least delta, it is chosen with probability at least
1 - alpha, whatever the variances and, since alpha is split evenly (Bonferroni), the correlations: common random
numbers are welcome.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from churnsim.checks import check_count, check_number
from churnsim.errors import ConfigError
from churnsim.typing import Floats


class KimNelson:
    """One run of the procedure on `systems` systems; larger is better.

    Hand over one replication of all systems after the other with `add`, until `finished`. `survivors` are the numbers
    of those still in, `eliminated_at[i]` the replication after which system i was out (0: not), `replications` how many
    were looked at, `sums` of those taken in.
    """

    def __init__(self, systems: int, *, indifference: float, level: float = 0.95, first_stage: int = 20) -> None:
        check_number(indifference, "indifference", above=0, most=1e100)
        if systems < 2:
            raise ConfigError(f"a selection needs at least 2 systems; got {systems}.")
        if not 1 / systems < check_number(level, "level") < 1:
            raise ConfigError(
                f"level must be between 1/{systems}, what a blind choice reaches, and 1; got {level!r}. Ninety-five "
                "percent is 0.95."
            )
        check_count(first_stage, "first_stage", least=2)
        self.indifference, self.level, self.first_stage = float(indifference), level, first_stage
        error = 2 * (1 - level) / (systems - 1)
        # 2 alpha / (k - 1) above 1 asks for nothing: a level below what the first stage alone guarantees.
        self.h2 = (first_stage - 1) * max(0.0, error ** (-2 / (first_stage - 1)) - 1)
        self.survivors: NDArray[np.int64] = np.arange(systems)
        self.eliminated_at: NDArray[np.int64] = np.zeros(systems, dtype=np.int64)
        self.replications = 0
        self.sums: Floats = np.zeros(systems)
        self.finished = False
        self.alike: list[tuple[int, int]] = []  # pairs whose difference never varied in the first stage
        self._first: list[Floats] = []
        self._reach: Floats = np.zeros((systems, systems))  # h2 S2_il / delta^2

    @property
    def most(self) -> int:
        """After how many replications the choice is made at the latest, for those still in."""
        return math.floor(float(self._reach[np.ix_(self.survivors, self.survivors)].max())) + 1

    def add(self, values: Floats) -> bool:
        """Take in one replication (what the eliminated would have given is not read); whether the choice is made."""
        if self.finished:
            raise ConfigError("the selection is finished; it takes no further replication.")
        self.replications += 1
        self.sums[self.survivors] += values[self.survivors]
        if self.replications < self.first_stage:
            self._first.append(np.array(values, dtype=np.float64))
            return False
        if self.replications == self.first_stage:
            self._first.append(np.array(values, dtype=np.float64))
            variances = self.pair_variances(np.array(self._first))
            self._reach = self.h2 * variances / self.indifference**2
            rounding = 1e-20 * float(np.abs(self._first).max()) ** 2
            one, other = np.nonzero(np.triu(variances <= rounding, k=1))
            self.alike = list(zip(one.tolist(), other.tolist(), strict=True))
            if self.first_stage >= self.most:
                return self._choose()
        self._screen()
        if self.survivors.size == 1:
            self.finished = True
        elif self.replications >= self.most:
            return self._choose()
        return self.finished

    @staticmethod
    def pair_variances(first: Floats) -> Floats:
        """S2_il: variances of the differences of every pair over the first stage (replications, systems)."""
        differences = first[:, :, None] - first[:, None, :]
        found: Floats = differences.var(axis=0, ddof=1)
        return found

    def _screen(self) -> None:
        """Put out each system that another one, in until now, is ahead of by more than W."""
        old, r = self.survivors, self.replications
        mean = self.sums[old] / r
        reach = self._reach[np.ix_(old, old)]
        allowed = np.maximum(0.0, self.indifference / (2 * r) * (reach - r))
        ahead = mean[None, :] - mean[:, None] > allowed
        self._keep(old[~ahead.any(axis=1)])

    def _choose(self) -> bool:
        """Only the largest mean stays; the first of several equal ones."""
        best = int(np.argmax(self.sums[self.survivors]))
        self._keep(self.survivors[best : best + 1])
        self.finished = True
        return True

    def _keep(self, staying: NDArray[np.int64]) -> None:
        gone = np.setdiff1d(self.survivors, staying)
        self.eliminated_at[gone] = self.replications
        self.survivors = staying
