"""The note that a failed run leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from segue.journal import Journal

__all__ = ["FAILED", "record_failure"]

# Beside the evaluations of bundles: what has no digest because it made no bundle.
FAILED = "evaluations/failed"


def record_failure(
    state: str, message: str, *, store: str, run_id: str, log: Journal | None = None
) -> str | None:
    """Leave ``evaluations/failed/<run_id>.json`` in the store, and a failed run in MLflow, if a run failed.

    Parameters
    ----------
    state
        What became of the run, in KFP's words; nothing is done for SUCCEEDED.
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
    if state == "SUCCEEDED":
        return None
    from segue.bundle.store import open_store
    from segue.tracking import Tracker

    log = log or Journal("record_failure")
    text = message.strip() or f"the run ended as {state or 'unknown'}; its log says why"
    Tracker(warn=log.say).log_failure(run_id, text)
    note = {"run_id": run_id, "state": state, "message": text, "time": datetime.now(UTC).isoformat()}
    opened, key = open_store(store), f"{FAILED}/{run_id}.json"
    opened.write(key, orjson.dumps(note, option=orjson.OPT_INDENT_2))
    log.say(f"noted in {opened.url}/{key}")
    return key
