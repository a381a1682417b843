"""Nearest tracks: building a FAISS index that meets a recall target, and searching it with filters."""
