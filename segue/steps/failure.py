"""Recording a failed run."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from segue.journal import Journal

__all__ = ["FAILED", "record_failure"]

# A failed run has no bundle, hence no digest to file it under.
FAILED = "evaluations/failed"
# The states that the SDK documents, and those of ML Metadata's Execution, which the backend writes
# (kubeflow/pipelines 2.17, backend/src/v2/driver/resolve.go), with an empty error message.
_SUCCESS = frozenset(("SUCCEEDED", "COMPLETE", "CACHED", "SKIPPED"))
_FAILURE = frozenset(("FAILED", "CANCELLED", "CANCELED"))


def record_failure(
    state: str | None, message: str | None, *, store: str, run_id: str, log: Journal | None = None
) -> str | None:
    """If a run failed, write ``evaluations/failed/<run_id>.json`` to the store, and mark the run in MLflow.

    The run is added to the training status; if that fails, the note stays.

    Parameters
    ----------
    state
        Final state of the run, as KFP names it. Only failures are recorded; a state that is neither success
        nor failure is logged.
    message
        Error message, if KFP has one.

    Returns
    -------
    str or None
        Key of the record; None if the run did not fail.
    """
    log = log or Journal("record_failure")
    known = (state or "").upper()
    if known in _SUCCESS:
        return None
    if known not in _FAILURE:
        ended = f"the run ended as {state or 'nothing'}"
        log.say(f"{ended}, which is neither success nor failure: nothing is recorded")
        return None
    from segue.steps.status import record_status
    from segue.store.open import open_store
    from segue.tracking import Tracker

    text = (message or "").strip() or f"the run ended as {state}; its log says why"
    Tracker(warn=log.say).log_failure(run_id, text)
    note = {"run_id": run_id, "state": state, "message": text, "time": datetime.now(UTC).isoformat()}
    opened, key = open_store(store), f"{FAILED}/{run_id}.json"
    opened.write(key, orjson.dumps(note, option=orjson.OPT_INDENT_2))
    log.say(f"recorded in {opened.url}/{key}")
    record_status(opened, run_id, "failed", log=log)
    return key
