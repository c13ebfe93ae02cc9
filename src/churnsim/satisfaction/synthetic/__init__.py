"""Synthetic surveys with a known answer, one maker for each instrument: what a method must find again.

Examples
--------
>>> from churnsim import satisfaction
>>> makers = [name for name in satisfaction.__all__ if name.startswith("synthetic_") and name != "synthetic_customers"]
>>> known = {name: getattr(satisfaction, name)(60, seed=1) for name in makers}
>>> len(known), round(known["synthetic_servqual"].truth["overall"], 2)
(9, -0.56)
"""
