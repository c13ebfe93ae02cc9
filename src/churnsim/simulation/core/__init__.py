"""What every part of the simulation uses: assumptions with their origin, lifetimes, scores, threads."""
