"""The steps of training, one function each, over plain folders, for KFP components and notebooks.

::

    ingest ─ preprocess ─ train ─ build_index ─ evaluate ─ publish

Each returns a `StepResult`: a one-line result, metrics, and a summary in Markdown. A step imports its
libraries when it is called, because each needs only some of them.
"""

from segue.steps.failure import record_failure
from segue.steps.judge import evaluate
from segue.steps.learn import build_index, train
from segue.steps.prepare import ingest, preprocess
from segue.steps.publication import Target, publish
from segue.steps.result import Folders, StepResult
from segue.steps.settings import check_settings

__all__ = [
    "Folders",
    "StepResult",
    "Target",
    "build_index",
    "check_settings",
    "evaluate",
    "ingest",
    "preprocess",
    "publish",
    "record_failure",
    "train",
]
