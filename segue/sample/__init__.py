"""A synthetic catalogue with playlists, for wherever no real one may be shipped."""

from segue.sample.generate import FEWEST_ROWS, SampleSummary, generate

__all__ = ["FEWEST_ROWS", "SampleSummary", "generate"]
