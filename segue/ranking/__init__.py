"""LightGBM: what the boosters read, and how the popularity model is trained."""
