"""Trials: whom to hold out and for how long, the list of who is in which arm, and what the purchases then say."""
