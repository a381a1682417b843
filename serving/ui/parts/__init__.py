"""Pieces of the page that the views are put together from."""
