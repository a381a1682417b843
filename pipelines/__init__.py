"""The training pipeline, and ``python -m pipelines`` to run, compile, submit or schedule it."""
