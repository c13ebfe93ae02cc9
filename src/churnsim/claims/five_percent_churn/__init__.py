""" "Five percent less churn brings 25 to 85 percent more profit"."""
