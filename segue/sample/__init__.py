"""A synthetic catalogue with playlists, for demos and tests where no real data may be distributed."""

from segue.sample.generate import MIN_ROWS, SampleSummary, generate

__all__ = ["MIN_ROWS", "SampleSummary", "generate"]
