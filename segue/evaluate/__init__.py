"""Evaluation of a bundle before it is promoted: metrics with intervals, baselines, report, gate."""
