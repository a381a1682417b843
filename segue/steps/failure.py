"""The note that a failed run leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from segue.journal import Journal

__all__ = ["FAILED", "record_failure"]

# Beside the evaluations of bundles: what has no digest because it made no bundle.
FAILED = "evaluations/failed"
# As the SDK documents the final status, and as the backend writes it: a state of ML Metadata's Execution
# (kubeflow/pipelines 2.17, backend/src/v2/driver/resolve.go), with an empty error.
_SUCCESS = frozenset(("SUCCEEDED", "COMPLETE", "CACHED", "SKIPPED"))
_FAILURE = frozenset(("FAILED", "CANCELLED", "CANCELED"))


def record_failure(
    state: str | None, message: str | None, *, store: str, run_id: str, log: Journal | None = None
) -> str | None:
    """Leave ``evaluations/failed/<run_id>.json`` in the store, and a failed run in MLflow, if a run failed.

    The run is added to the training status; if that fails, the note stays.

    Parameters
    ----------
    state
        What became of the run, in KFP's words. Only a failure is noted; a state that is neither success nor
        failure gets a line in the log.
    message
        Why, if KFP knows.
    store
        URL of the store.
    run_id
        The run.
    log
        Told where the note is.

    Returns
    -------
    str or None
        Key of the note; None where the run did not fail.
    """
    log = log or Journal("record_failure")
    known = (state or "").upper()
    if known in _SUCCESS:
        return None
    if known not in _FAILURE:
        ended = f"the run ended as {state or 'nothing'}"
        log.say(f"{ended}, which is neither success nor failure: nothing is noted")
        return None
    from segue.steps.status import record_status
    from segue.store.open import open_store
    from segue.tracking import Tracker

    text = (message or "").strip() or f"the run ended as {state}; its log says why"
    Tracker(warn=log.say).log_failure(run_id, text)
    note = {"run_id": run_id, "state": state, "message": text, "time": datetime.now(UTC).isoformat()}
    opened, key = open_store(store), f"{FAILED}/{run_id}.json"
    opened.write(key, orjson.dumps(note, option=orjson.OPT_INDENT_2))
    log.say(f"noted in {opened.url}/{key}")
    record_status(opened, run_id, "failed", log=log)
    return key
