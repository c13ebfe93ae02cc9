"""The live version of a report: a stored study changed by hand and simulated again while one waits."""
