from components.ingest.component import ingest as ingest

__all__ = ["ingest"]
