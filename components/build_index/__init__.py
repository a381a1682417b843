from components.build_index.component import build_index as build_index

__all__ = ["build_index"]
