"""Training: the embedding, the relevance model and the popularity model."""
