"""The log: the lists that were shown, and the feedback of listeners."""

from segue.log.erase import Deleted, Forgotten, delete_older_than, forget_session
from segue.log.export import export_interactions
from segue.log.record import Event, Feedback, Impression, ImpressionItem
from segue.log.stats import Stats, read_stats
from segue.log.writer import LogWriter

__all__ = [
    "Deleted",
    "Event",
    "Feedback",
    "Forgotten",
    "Impression",
    "ImpressionItem",
    "LogWriter",
    "Stats",
    "delete_older_than",
    "export_interactions",
    "forget_session",
    "read_stats",
]
