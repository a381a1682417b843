"""Hyperparameter search for the relevance model, by Optuna; off by default.

Reproducible: the sampler is seeded and trials run one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from segue.errors import SettingsError
from segue.ranking.settings import TrainSettings

__all__ = ["search"]

# The number of trees is not searched: it determines the time of every request.
_LEAVES = (7, 15, 31)


def search(
    settings: TrainSettings, objective: Callable[[TrainSettings], float]
) -> tuple[TrainSettings, list[dict[str, Any]]]:
    """Search for settings that order validation candidates best.

    Parameters
    ----------
    settings
        Settings of the first trial; `settings.trials` is the number of trials.
    objective
        Score of some settings, higher is better.

    Returns
    -------
    The best settings, and the parameters and score of each trial.

    Raises
    ------
    SettingsError
        Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise SettingsError("trials: the search needs Optuna; install segue[tune]") from None

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=settings.seed, n_startup_trials=5)
    )
    names = ("relevance_learning_rate", "relevance_leaves", "relevance_min_data")
    study.enqueue_trial({name: getattr(settings, name) for name in names})

    def score(trial: optuna.Trial) -> float:
        chosen = {
            "relevance_learning_rate": trial.suggest_float("relevance_learning_rate", 0.02, 0.2, log=True),
            "relevance_leaves": trial.suggest_categorical("relevance_leaves", _LEAVES),
            "relevance_min_data": trial.suggest_int("relevance_min_data", 20, 500, log=True),
        }
        return objective(settings.model_copy(update=chosen))

    study.optimize(score, n_trials=settings.trials)
    trials = [{**trial.params, "precision": round(float(trial.value or 0), 5)} for trial in study.trials]
    return settings.model_copy(update=study.best_params), trials
