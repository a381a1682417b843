"""Full-text search over the names of a bundle's tracks: built once into one SQLite file, read by many."""

from segue.search.build import build_search
from segue.search.index import SearchIndex

__all__ = ["SearchIndex", "build_search"]
