"""A customer's uid: the 63-bit number under which its random numbers are drawn.

It is a hash of the customer's own id, so that neither the order of the rows nor who else is in the file changes
what a customer meets in a simulation.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_kind
from churnsim.errors import DataError


def customer_uids(ids: pd.Index) -> NDArray[np.int64]:
    """Hash each id to a non-negative int64. Raises DataError when an id occurs twice (or two ids collide).

    Examples
    --------
    >>> import pandas as pd
    >>> bool((customer_uids(pd.Index(["a", "b"])) == customer_uids(pd.Index(["b", "a"]))[::-1]).all())
    True
    """
    check_kind(ids, "ids", pd.Index, "an Index of customer ids")
    # 7 and "7" are different ids; 7 and numpy's int64(7) are the same.
    kinds = ["i" if isinstance(value, (int, np.integer)) else "s" for value in ids]
    uids = np.fromiter(
        (
            int.from_bytes(blake2b(f"{kind}:{value}".encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
            >> 1
            for kind, value in zip(kinds, ids, strict=True)
        ),
        dtype=np.int64,
        count=len(ids),
    )
    _, first, counts = np.unique(uids, return_index=True, return_counts=True)
    if (counts > 1).any():
        twice = ids[first[counts > 1][0]]
        raise DataError(
            f"customer id {str(twice)[:80]!r} stands in more than one row. A summary holds one row per customer."
        )
    return uids
