"""Names of the metrics, and what is written of them."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram, Summary, generate_latest

from serving import metrics


def test_it_says_of_each_metric_who_reads_it() -> None:
    source = Path(metrics.__file__).read_text(encoding="utf-8").splitlines()
    for name in metrics.__all__:
        line = next(number for number, text in enumerate(source) if text.startswith(f"{name} = "))
        assert source[line - 1].startswith("# "), name


def test_it_prefixes_all_metrics_and_labels_none_with_a_track() -> None:
    for name in metrics.__all__:
        metric = getattr(metrics, name)
        if isinstance(metric, Counter | Gauge | Histogram | Summary):
            assert metric._name.startswith("segue_")
            assert not {"track", "track_id", "user", "query", "session"} & set(metric._labelnames)


def test_it_keeps_series_of_creation_times_out() -> None:
    assert b"segue_requests_created" not in generate_latest()


def test_it_documents_every_metric() -> None:
    text = (Path(metrics.__file__).parent / "README.md").read_text(encoding="utf-8")
    for name in metrics.__all__:
        metric = getattr(metrics, name)
        assert f"`{metric if isinstance(metric, str) else metric._name}" in text
