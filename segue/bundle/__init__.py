"""The bundle: one immutable directory that holds all that is needed to answer, and the store that keeps it."""
