"""Where bundles are kept: one interface over a directory and S3."""
