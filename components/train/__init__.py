from components.train.component import train as train

__all__ = ["train"]
