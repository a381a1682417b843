"""The bundle: one immutable directory with all that is needed to answer, and the store that keeps it."""
