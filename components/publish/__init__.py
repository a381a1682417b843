from components.publish.component import publish as publish

__all__ = ["publish"]
