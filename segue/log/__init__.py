"""The log: the lists that were shown, and the feedback of listeners."""
