"""Record a run that failed. Runs at the end of every run, whatever became of it."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def record_failure(status: dsl.PipelineTaskFinalStatus, store: str, run_id: str) -> None:
    """Leave a note in the store, and a failed run in MLflow, if the run failed.

    Args:
        status: What became of the run.
        store: Where the note goes, as evaluations/failed/<run_id>.json.
        run_id: The run.
    """
    from segue import journal, steps

    with journal.step("record_failure") as log:
        steps.record_failure(status.state, status.error_message, store=store, run_id=run_id, log=log)
