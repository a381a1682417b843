"""Full-text search over a bundle's track and artist names, in one read-only SQLite file."""

from segue.search.build import build_search
from segue.search.index import SearchIndex

__all__ = ["SearchIndex", "build_search"]
