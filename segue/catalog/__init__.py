"""From any public catalogue layout to canonical Parquet, with every rejected row accounted for."""
