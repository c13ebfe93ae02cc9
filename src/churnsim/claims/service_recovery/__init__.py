"""Claims about complaints that are answered: who stays, and what a complaint desk must manage for it."""
