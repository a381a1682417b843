"""Storage of bundles: one interface over a directory and S3."""
