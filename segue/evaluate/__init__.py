"""Judge a bundle before it may serve: metrics with intervals, baselines, a report, the gate's verdict."""
