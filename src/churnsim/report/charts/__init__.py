"""The report's charts: Altair specifications drawn to static SVG, with no script left in the page."""
