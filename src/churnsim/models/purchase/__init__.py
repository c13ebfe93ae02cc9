"""Models of repeat buying without a contract: NBD, BG/NBD, MBG/NBD, MBG/CNBD-k, Pareto/NBD and BG/BB."""
