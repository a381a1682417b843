"""Segue: more like this, from your own catalogue."""

__version__ = "0.1.0"
