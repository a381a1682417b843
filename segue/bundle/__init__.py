"""The bundle, an immutable directory with everything that serving needs, and its life in a store."""
