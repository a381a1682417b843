"""All benchmarks in turn: ``make bench``, or ``python -m tests.benchmarks ROWS`` for fewer rows."""

from __future__ import annotations

import sys

from tests.benchmarks import (
    bench_learning,
    bench_pipeline,
    bench_publish,
    bench_quality,
    bench_recommend,
    bench_search,
)


def main() -> int:
    """Run them all; 1 where any promise is missed."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else bench_pipeline.ROWS
    kept = [
        bench_pipeline.main(rows),
        bench_recommend.main(rows),
        bench_publish.main(rows),
        bench_search.main(),
        bench_quality.main(),
        bench_learning.main(int(sys.argv[1]) if len(sys.argv) > 1 else bench_learning.ROWS),
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
