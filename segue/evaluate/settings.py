"""Settings of the evaluate step."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from segue.evaluate.gate import GateSettings

__all__ = ["EvaluationSettings"]


class EvaluationSettings(BaseModel):
    """How much is measured, and how.

    Attributes
    ----------
    k
        Places of a list that count.
    depth
        Length of the lists that are judged: what is taken out of the first k by the artist filter is filled
        from below, and R-precision looks further down.
    neighbours
        Candidates a seed.
    max_per_artist
        Tracks by one artist in Segue's lists.
    max_seeds
        Test seeds at most; half as many validation seeds.
    seed_tracks
        Seeds times tracks at most: exact search costs so much, and it bounds the time on a large catalogue.
    min_playlists
        Test playlists below which the playlists' figure does not lead: an interval over fewer says little.
    recall_queries
        Tracks that the index is searched for, and exhaustively.
    bootstrap_rounds, seed
        Draws, and the seed of everything that is drawn.
    weight_step
        Step of ``popularity_weight`` on the curve.
    loss_allowed
        Share of the best leading figure that the default ``popularity_weight`` may cost.
    examples
        Example lists in the report.
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
        """Test seeds at most in a catalogue of so many tracks."""
        return max(1, min(self.max_seeds, self.seed_tracks // max(tracks, 1)))

    def validation_seeds(self, tracks: int) -> int:
        """Validation seeds at most in a catalogue of so many tracks."""
        return max(1, self.test_seeds(tracks) // 2)
