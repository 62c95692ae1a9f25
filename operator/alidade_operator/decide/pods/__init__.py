"""What pods tell of themselves: how they fare, and how they ended."""
