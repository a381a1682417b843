"""The steps of training, one function each, over plain folders: what a KFP component or a notebook calls.

::

    ingest ─ preprocess ─ train ─ build_index ─ evaluate ─ publish

Each returns a `StepResult`: a line for a person, figures, and a summary in Markdown. What a step needs is
imported when it is called, since each needs a few libraries of many.
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
