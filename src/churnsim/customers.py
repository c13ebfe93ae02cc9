"""`churnsim.data.customers` under the name that `churnsim.customers` has, for `from churnsim.customers import ...`."""

import sys

from churnsim.data import customers
from churnsim.data.customers import *  # noqa: F403 (for type checkers)

sys.modules[__name__] = customers
