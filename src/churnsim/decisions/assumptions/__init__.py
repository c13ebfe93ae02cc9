"""How a result depends on the assumptions: regions in which a statement holds, and sensitivity."""
