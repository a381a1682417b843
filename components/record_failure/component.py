"""Record a failed run. This step is the exit handler: it runs at the end of every run."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def record_failure(status: dsl.PipelineTaskFinalStatus, store: str, run_id: str) -> None:
    """If the run failed, record that in the store and in MLflow.

    Args:
        status: Final status of the run.
        store: The store, in which evaluations/failed/<run_id>.json is written.
        run_id: Id of the run.
    """
    from segue import journal, steps

    with journal.step("record_failure") as log:
        steps.record_failure(status.state, status.error_message, store=store, run_id=run_id, log=log)
