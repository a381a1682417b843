"""Segue: more like this, from your own catalogue.

In a notebook, ``segue.open`` opens a bundle and ``segue.train`` makes one; docs/PYTHON.md shows both.
"""

from typing import Any

__version__ = "0.1.0"

__all__ = ["Model", "Recommendations", "Tracks", "__version__", "open", "train"]


def __getattr__(name: str) -> Any:
    # imported at the first use: every command and every pod imports this package, and few need FAISS
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("segue.api"), name)
    raise AttributeError(f"module 'segue' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
