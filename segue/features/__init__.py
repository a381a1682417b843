"""From canonical tracks to numbers: recordings, the split, the feature transform."""
