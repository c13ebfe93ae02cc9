"""Purchase models whose clocks a calendar, or customers' own series, rescale."""
