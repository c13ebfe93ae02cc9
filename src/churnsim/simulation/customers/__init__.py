"""Who the customers of a simulation are: bases drawn from histories, cohorts, subscribers, arrivals."""
