from components.preprocess.component import preprocess as preprocess

__all__ = ["preprocess"]
