"""Settings of the evaluate step."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from segue.evaluate.gate import GateSettings

__all__ = ["EvaluationSettings"]


class EvaluationSettings(BaseModel):
    """Settings of the evaluation.

    Attributes
    ----------
    k
        Cut-off of the metrics.
    depth
        Length of the lists, larger than k: tracks below k replace those that the artist filter removes, and
        R-precision uses the whole list.
    neighbours
        Candidates per seed.
    max_per_artist
        Maximum number of tracks per artist in Segue's lists.
    max_seeds
        Maximum number of test seeds; for validation seeds half of it.
    seed_tracks
        Maximum of seeds times tracks, to which the time of exact search is proportional.
    min_playlists
        Minimum number of test playlists for a leading metric by playlists; intervals over fewer are too wide.
    recall_queries
        Maximum number of tracks for which the index's recall is measured.
    bootstrap_rounds, seed
        Number of bootstrap samples, and seed of all random choices.
    weight_step
        Step of ``popularity_weight`` on the curve.
    loss_allowed
        Share of the best leading metric that the default ``popularity_weight`` may cost.
    examples
        Number of example lists in the report.
    gate
        Limits of the gate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: int = Field(default=10, ge=1, le=100)
    depth: int = Field(default=50, ge=1, le=100)
    neighbours: int = Field(default=200, ge=1, le=1000)
    max_per_artist: int = Field(default=2, ge=1)
    max_seeds: int = Field(default=3000, ge=1)
    seed_tracks: int = Field(default=2_400_000_000, ge=1)
    min_playlists: int = Field(default=5, ge=2)
    recall_queries: int = Field(default=300, ge=1)
    bootstrap_rounds: int = Field(default=2000, ge=100)
    seed: int = Field(default=20240501, ge=0)
    weight_step: float = Field(default=0.05, gt=0, le=1)
    loss_allowed: float = Field(default=0.05, ge=0, le=1)
    examples: int = Field(default=10, ge=0)
    gate: GateSettings = GateSettings()

    def test_seeds(self, tracks: int) -> int:
        """Maximum number of test seeds in a catalogue of this many tracks."""
        return max(1, min(self.max_seeds, self.seed_tracks // max(tracks, 1)))

    def validation_seeds(self, tracks: int) -> int:
        """Maximum number of validation seeds in a catalogue of this many tracks."""
        return max(1, self.test_seeds(tracks) // 2)
