"""Nearest neighbours: a FAISS index that meets a recall target, and filtered search."""
