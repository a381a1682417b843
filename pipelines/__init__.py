"""The training pipeline: run it here, compile it, submit it, schedule it (``python -m pipelines``)."""
