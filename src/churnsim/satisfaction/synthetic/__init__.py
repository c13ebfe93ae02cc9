"""Synthetic surveys with a known answer, one maker for each instrument: what a method must find again."""
