"""`churnsim.data.datasets` under the name that `churnsim.datasets` has, for `from churnsim.datasets import ...`."""

import sys

from churnsim.data import datasets
from churnsim.data.datasets import *  # noqa: F403 (for type checkers)

sys.modules[__name__] = datasets
