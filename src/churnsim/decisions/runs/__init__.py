"""Running replications: one at a time, on the cores of a machine or on a cluster."""
