"""A small, bounded search for the relevance model's parameters, by Optuna; off unless trials are asked for.

The same trials with the same seed give the same choice: the sampler is seeded and trials run one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from segue.errors import SettingsError
from segue.ranking.settings import TrainSettings

__all__ = ["search"]

# Trees stay as many as asked for: every request pays for them.
_LEAVES = (7, 15, 31)


def search(
    settings: TrainSettings, objective: Callable[[TrainSettings], float]
) -> tuple[TrainSettings, list[dict[str, Any]]]:
    """Search for settings that order validation candidates best.

    Parameters
    ----------
    settings
        Where to start, tried first; `settings.trials` bounds the search.
    objective
        Judges settings, higher is better.

    Returns
    -------
    The best settings, and each trial: its parameters and its value.

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

    def tried(trial: optuna.Trial) -> float:
        chosen = {
            "relevance_learning_rate": trial.suggest_float("relevance_learning_rate", 0.02, 0.2, log=True),
            "relevance_leaves": trial.suggest_categorical("relevance_leaves", _LEAVES),
            "relevance_min_data": trial.suggest_int("relevance_min_data", 20, 500, log=True),
        }
        return objective(settings.model_copy(update=chosen))

    study.optimize(tried, n_trials=settings.trials)
    told = [{**trial.params, "precision": round(float(trial.value or 0), 5)} for trial in study.trials]
    return settings.model_copy(update=study.best_params), told
