"""Preprocessing of canonical tracks: recordings, the split, features and the feature transform."""
