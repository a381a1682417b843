"""Embed the tracks, and train the popularity model and the relevance model."""

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
    relevance_rounds: int,
    candidates: int,
    max_queries: int,
    trials: int,
    threads: int,
    seed: int,
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    summary: dsl.Output[dsl.Markdown],
) -> None:
    """Train the popularity and the relevance model, and write the embedding that is indexed.

    Args:
        features: Folder of preprocess.
        code_version: Part of the cache key.
        rounds: Maximum number of trees; early stopping on validation artists may leave fewer.
        learning_rate: LightGBM's learning rate.
        num_leaves: LightGBM's leaves per tree.
        max_train_rows: Maximum number of training tracks, a random sample.
        relevance_rounds: Trees of the relevance model; 0 for none.
        candidates: Candidates per training query, as many as a request retrieves.
        max_queries: Maximum number of training queries.
        trials: Trials of a search for the relevance model's parameters; 0 for no search.
        threads: LightGBM's threads; another number gives other models.
        seed: Seed of sampling and of LightGBM.
        model: Folder with the embedding, the transform, the boosters and training.json.
        metrics: Trees, rows, validation error.
        summary: Importance by feature.
    """
    from pathlib import Path

    from segue import journal, steps

    with journal.step("train") as log:
        settings = {"rounds": rounds, "learning_rate": learning_rate, "num_leaves": num_leaves}
        settings |= {"max_train_rows": max_train_rows, "threads": threads, "seed": seed}
        settings |= {"relevance_rounds": relevance_rounds, "candidates": candidates}
        settings |= {"max_queries": max_queries, "trials": trials}
        result = steps.train(Path(features.path), Path(model.path), settings=settings, log=log)
        result.report(log, metrics, summary)
