"""The processes that serve: programs run from a checkout or an image, never imported by ``segue``."""
