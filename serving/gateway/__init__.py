"""The gateway: the public API, keys and the log in front of the pair."""
