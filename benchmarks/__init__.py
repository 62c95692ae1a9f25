"""What it costs, as ratios and counts."""
