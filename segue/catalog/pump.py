"""Read, clean and write batches concurrently: one thread reads the next batch, one writes the previous."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TypeVar

from segue.catalog.batches import RawBatch
from segue.catalog.plan import PlannedFile
from segue.catalog.profile import FileProfile
from segue.catalog.reader import read_batches
from segue.store.checksum import sha256_file

__all__ = ["Progress", "Pump"]

# (rows so far, bytes so far, total bytes); rows are 0 while a source is fetched
Progress = Callable[[int, int, int], None]

# Cleans a batch of a file, and returns the function that writes it
Process = Callable[[PlannedFile, RawBatch], Callable[[], None]]

T = TypeVar("T")


class Pump:
    """Pass the batches of files from the reading thread to the writing thread, and report after each batch.

    Parameters
    ----------
    total_bytes
        Total size of the files.
    """

    def __init__(self, report: Progress, total_bytes: int) -> None:
        self._report, self._total = report, total_bytes
        self._rows = self._bytes_before = 0
        self._threads = ExitStack()
        self._reading, self._writing, self._hashing = (
            self._threads.enter_context(ThreadPoolExecutor(1)) for _ in range(3)
        )

    def close(self) -> None:
        """Wait for the threads."""
        self._threads.close()

    def run(self, planned: PlannedFile, process: Process) -> FileProfile:
        """Read and process a whole file."""
        digest = self._hashing.submit(sha256_file, planned.file.path)
        written: Future[None] | None = None
        rows = 0
        with closing(read_batches(planned.file, planned.sniffed, planned.columns)) as batches:
            for batch in self._ahead(batches):
                write = process(planned, batch)
                if written is not None:
                    written.result()
                written = self._writing.submit(write)
                rows += len(batch.rows) + len(batch.rejects)
                self._report(self._rows + rows, self._bytes_before + batch.done_bytes, self._total)
        if written is not None:
            written.result()
        self._rows += rows
        self._bytes_before += planned.bytes
        return FileProfile(
            name=planned.file.name,
            sha256=digest.result(),
            bytes=planned.bytes,
            layout=planned.layout,
            rows=rows,
        )

    def _ahead(self, items: Iterator[T]) -> Iterator[T]:
        following = self._reading.submit(next, items, None)
        try:
            while (item := following.result()) is not None:
                following = self._reading.submit(next, items, None)
                yield item
        finally:
            # A generator that is still running in the other thread can't be closed.
            following.exception()
