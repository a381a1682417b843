"""Embed the tracks and learn what makes one popular."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(
    features: dsl.Input[dsl.Dataset],
    code_version: str,
    rounds: int,
    learning_rate: float,
    num_leaves: int,
    max_train_rows: int,
    threads: int,
    seed: int,
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
) -> None:
    """Train the popularity model and write the embedding that is indexed.

    Args:
        features: Folder of preprocess.
        code_version: Part of the cache key: another version's result is not taken.
        rounds: Most trees; early stopping on unseen artists may leave fewer.
        learning_rate: LightGBM's.
        num_leaves: LightGBM's.
        max_train_rows: Training tracks are sampled down to this many.
        threads: LightGBM's threads, part of the result.
        seed: Seed of sampling and of LightGBM.
        model: Folder with the embedding, the transform, the booster and training.json.
        metrics: Trees, rows, validation error.
        summary: Importance by feature.
    """
    from pathlib import Path

    from segue import journal, steps

    with journal.step("train") as log:
        settings = {"rounds": rounds, "learning_rate": learning_rate, "num_leaves": num_leaves}
        settings |= {"max_train_rows": max_train_rows, "threads": threads, "seed": seed}
        result = steps.train(Path(features.path), Path(model.path), settings=settings, log=log)
        result.report(log, metrics, summary)
