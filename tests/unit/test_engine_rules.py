"""Numbers that compiled rules read keep their kind: counts, codes and cents are whole, so that they add as such."""

import numpy as np

from churnsim.kernels.engine.records import RULES, Rules


def test_whole_numbers_of_the_rules_are_stored_as_whole_numbers():
    # By their defaults, not by the annotations of which the record is made; what has none is a share.
    whole = {name for name, value in Rules._field_defaults.items() if isinstance(value, int)}
    assert {name for name in Rules._fields if RULES[name] == np.int64} == whole
    assert {name for name in Rules._fields if RULES[name] == np.float64} == set(Rules._fields) - whole
    assert {"lifetime", "spending", "asking_cents"} <= whole
