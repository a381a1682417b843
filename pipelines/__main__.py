"""``python -m pipelines``: run the training pipeline locally, compile, submit or schedule it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pipelines.cluster_options import Cluster, cluster_options
from pipelines.output import Output, waiting
from segue.errors import SegueError

__all__ = ["app", "main"]

app = typer.Typer(
    help="The training pipeline: a catalogue becomes a published, evaluated bundle.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Catalog = Annotated[
    str, typer.Option(help="CSV, Parquet, folder or glob; local, s3://, https://, kaggle://, sample://.")
]
Interactions = Annotated[
    str, typer.Option(help="playlist_id,track_id pairs, from the same kinds of sources.")
]
Store = Annotated[str, typer.Option(help="Where bundles go: a path, file:///path or s3://bucket/prefix.")]
Settings = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the pipeline, see docs/PIPELINE.md."),
]
StepOptions = Annotated[
    list[str],
    typer.Option(
        "--resource",
        metavar="STEP.requests.cpu=VALUE",
        help="A step's request or limit of cpu or memory; overrides SEGUE_STEP_RESOURCES.",
    ),
]


@app.command()
def run(
    *,
    catalog: Catalog,
    interactions: Interactions = "",
    store: Store = ".segue/store",
    settings: Settings = [],
    workdir: Annotated[Path, typer.Option(help="Files of the runs, and MLflow's.")] = Path(".segue/work"),
    first: Annotated[bool, typer.Option("--first", help="Only if the channel is empty.")] = False,
    hints: Annotated[bool, typer.Option("--hints/--no-hints", help="Say what to type next.")] = True,
) -> None:
    """Run it on this machine: no cluster, no container, one process per step."""
    console = Output()
    with waiting(console, "starting"):  # importing kfp takes seconds
        from pipelines.arguments import parse_settings

        values = parse_settings(settings)
        served = _check_early(store, values)
        if not (first and served):
            from pipelines.local import RunFailed, run_here
            from pipelines.summary import show_failure, show_next, show_outcome
    if first and served:
        typer.echo(f"nothing to do: {served}")
        return

    arguments = {"catalog": catalog, "interactions": interactions, "store": store, **values}
    try:
        outcome = run_here(arguments, workdir=workdir, console=console)
    except RunFailed as error:
        show_failure(error, Console(stderr=True))
        raise typer.Exit(1) from None
    show_outcome(outcome, console)
    if hints:
        show_next(outcome, arguments, console, workdir=workdir)


@app.command()
def ablate(
    *,
    catalog: Catalog,
    interactions: Annotated[
        str, typer.Option(help="playlist_id,track_id pairs for training and evaluation.")
    ],
    without: Annotated[
        list[str],
        typer.Option(
            metavar="PART", help="genre, year, artist, metric, reranker, or several with +. Default: each."
        ),
    ] = [],
    settings: Settings = [],
    out: Annotated[Path, typer.Option(help="Folder for the metrics and the steps' files.")] = Path(
        ".segue/ablation"
    ),
) -> None:
    """Train without each part in turn, and show what it contributes on held-out playlists."""
    console = Output()
    with waiting(console, "starting"):
        from pipelines.ablation import ablate as run
        from pipelines.ablation import parse_parts, show
        from pipelines.arguments import parse_settings
        from segue.steps import check_settings

        parts, values = parse_parts(without), parse_settings(settings)
        check_settings(values)
    show(run(catalog, interactions, out, without=parts, settings=values, console=console), console)
    console.print(f"figures: {out / 'ablation.json'}, {out / 'ablation.csv'}", highlight=False)


@app.command("compile")
def compile_(
    *,
    out: Annotated[Path, typer.Option(help="YAML to write.")] = Path("pipelines/training.yaml"),
    image: Annotated[
        str, typer.Option(help="Image of the steps; default segue-pipeline:<version>.", envvar="SEGUE_IMAGE")
    ] = "",
    resources: StepOptions = [],
) -> None:
    """Write the pipeline as YAML, to upload by hand or by a deployment."""
    if image:
        os.environ["SEGUE_IMAGE"] = image  # read when the components are imported, below
    from pipelines.remote import compile_pipeline
    from pipelines.resources import step_resources

    steps = step_resources(resources)
    out.parent.mkdir(parents=True, exist_ok=True)
    compile_pipeline(out, steps)
    typer.echo(f"wrote {out}")


@app.command()
@cluster_options(starts_pods=True)
def submit(
    *,
    cluster: Cluster,
    catalog: Catalog,
    store: Store,
    interactions: Interactions = "",
    settings: Settings = [],
    resources: StepOptions = [],
    first: Annotated[
        bool,
        typer.Option(
            "--first", help="Only if the channel is empty and no run of the experiment is under way."
        ),
    ] = False,
) -> None:
    """Start a run on a cluster now."""
    from pipelines import remote
    from pipelines.resources import step_resources

    steps = step_resources(resources)
    arguments = _arguments(catalog, interactions, store, settings)
    if first and (reason := _why_not_first(cluster, store, arguments)):
        typer.echo(f"nothing to do: {reason}")
        return
    run_id = remote.submit(cluster, arguments, resources=steps)
    typer.echo(f"submitted run {run_id} to {cluster.host}, experiment {cluster.experiment}")
    typer.echo(f"watch it: {cluster.host.rstrip('/')}/#/runs/details/{run_id}")


@app.command()
@cluster_options(starts_pods=True)
def schedule(
    *,
    cluster: Cluster,
    cron: Annotated[str, typer.Option(help="Five fields, such as '30 3 * * *'; UTC.")],
    catalog: Catalog,
    store: Store,
    interactions: Interactions = "",
    name: Annotated[
        str, typer.Option(help="Name of the recurring run; one of that name is replaced.")
    ] = "segue",
    settings: Settings = [],
    resources: StepOptions = [],
) -> None:
    """Create or replace a recurring run on a cluster; an identical one is left unchanged."""
    from pipelines import remote
    from pipelines.resources import step_resources

    steps = step_resources(resources)
    arguments = _arguments(catalog, interactions, store, settings)
    done = remote.schedule(cluster, name, cron, arguments, resources=steps)
    typer.echo(f"recurring run {name} at '{remote.cron_fields(cron)}' is {done.outcome}: {done.id}")


@app.command()
@cluster_options(starts_pods=False)
def unschedule(
    *,
    cluster: Cluster,
    name: Annotated[str, typer.Option(help="Name of the recurring run.")] = "segue",
) -> None:
    """Delete a recurring run on a cluster, if there is one."""
    from pipelines import remote

    deleted = remote.unschedule(cluster, name)
    typer.echo(f"recurring run {name} is deleted" if deleted else f"nothing to do: no recurring run {name}")


@app.command()
@cluster_options(starts_pods=False)
def trigger(
    *,
    cluster: Cluster,
    name: Annotated[str, typer.Option(help="The recurring run to start now.")] = "segue",
) -> None:
    """Start a run like the recurring run of that name, as the gateway does on an alert."""
    from pipelines.trigger import trigger as start

    typer.echo(f"started run {start(cluster, name)} of {name} on {cluster.host}")


def main() -> None:
    """Run the command; an error of Segue is one line on stderr and exit status 1."""
    # exit as on Ctrl-C: the live line is removed, and the terminal's cursor restored
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        app(prog_name="python -m pipelines")
    except SegueError as error:
        sys.exit(f"pipelines: {error}")


def _arguments(catalog: str, interactions: str, store: str, settings: list[str]) -> dict[str, Any]:
    from pipelines.arguments import code_version, parse_settings
    from segue.steps import check_settings

    values = parse_settings(settings)
    check_settings(values)
    values.setdefault("code_version", code_version())
    return {"catalog": catalog, "interactions": interactions, "store": store, **values}


def _check_early(store: str, settings: dict[str, Any]) -> str | None:
    """Raise for a wrong setting or store before the training, not after it; returns `_served`."""
    from segue.steps import check_settings

    check_settings(settings)
    return _served(store, settings)


def _served(store: str, settings: dict[str, Any]) -> str | None:
    """What the run's channel points at, in words; None if it is empty."""
    from segue.bundle.channel import read_channel
    from segue.store.open import open_store

    name = str(settings.get("channel", "champion"))
    digest = read_channel(open_store(store), name).digest
    return digest and f"channel {name} points at bundle {digest[:12]}"


def _why_not_first(cluster: Cluster, store: str, arguments: dict[str, Any]) -> str | None:
    """Why no first run is needed, if so. A Kubernetes job that is retried must not start a second run."""
    from pipelines import remote

    if served := _served(store, arguments):
        return served
    run_id = remote.under_way(cluster)
    return f"run {run_id} is under way" if run_id else None


if __name__ == "__main__":
    main()
