"""A synthetic catalogue with playlists, for wherever no real one may be shipped."""

from segue.sample.generate import MIN_ROWS, SampleSummary, generate

__all__ = ["MIN_ROWS", "SampleSummary", "generate"]
