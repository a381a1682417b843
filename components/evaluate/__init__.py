from components.evaluate.component import evaluate as evaluate

__all__ = ["evaluate"]
