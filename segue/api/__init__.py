"""The Python API: open a bundle or train one, and get tables."""

from segue.api.model import Model, open
from segue.api.tables import Recommendations, Tracks
from segue.api.training import train

__all__ = ["Model", "Recommendations", "Tracks", "open", "train"]
