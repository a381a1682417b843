"""Values that contradict each other stop the render with one sentence that says what to set."""

from __future__ import annotations

from typing import Any

import helm_python
import pytest

from tests.deploy.chart import CHART, MINIMAL, deep_merge, render
from tests.deploy.matrix import DATABASE, MATRIX

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "two gateways on SQLite": (
        {"gateway": {"replicas": 2}},
        "gateway.replicas is 2, but SQLite has one writer: set database.existingSecret",
    ),
    "gateways that scale on SQLite": (
        {"autoscaling": {"class": "hpa"}, "gateway": {"maxReplicas": 3}},
        "gateway.maxReplicas is 3, but SQLite has one writer",
    ),
    "SQLite that goes with the pod": (
        {"gateway": {"volume": {"persistent": False}}},
        "the keys in SQLite would go with the pod: set database.existingSecret",
    ),
    "a nightly job on SQLite": (
        {"retention": {"enabled": True}},
        "no job can open the SQLite in the gateway's volume: set database.existingSecret",
    ),
    "a log in another release": (
        {**DATABASE, "retention": {"enabled": True}, **MATRIX["canary"]},
        "gateway.enabled is false, and the log is the gateway's",
    ),
    "fewer at most than at least": (
        {"autoscaling": {"class": "hpa"}, "transformer": {"replicas": 8}},
        "transformer.maxReplicas is 4, less than transformer.replicas, 8",
    ),
    "scaling by a CPU that is not asked for": (
        {"autoscaling": {"class": "hpa"}, "predictor": {"resources": {"requests": {"cpu": "0m"}}}},
        "set predictor.resources.requests.cpu above 0",
    ),
    "KEDA with nothing to ask": ({"autoscaling": {"class": "keda"}}, "set monitoring.enabled"),
    "a page without a gateway": (
        {"gateway": {"enabled": False, "release": "segue"}},
        "the page talks to the gateway",
    ),
    "a pair that nobody may reach": (
        {"gateway": {"enabled": False}, "ui": {"enabled": False}},
        "nothing may reach the pair: set gateway.release",
    ),
    "a release that is its own canary": (
        {"gateway": {"challenger": {"release": "segue"}}},
        "a canary is another one",
    ),
    "retraining of what is not scheduled": ({"training": {"onAlert": True}}, "set catalog.source"),
    "playlists for a sample": (
        {"catalog": {"source": "sample", "interactions": "s3://music/playlists.csv"}},
        "the sample brings its own",
    ),
    "a database that nobody uses": ({"evaluation": {"postgresql": {"enabled": True}}}, "nobody would use it"),
    "MLflow without its store": (
        {"evaluation": {"mlflow": {"enabled": True}}},
        "set evaluation.minio.enabled",
    ),
    "an Ingress for nothing": (
        {"ingress": {"enabled": True}},
        "ingress.enabled is true, but publishes nothing",
    ),
    "a route for nothing": (
        {"httpRoute": {"enabled": True}},
        "httpRoute.enabled is true, but publishes nothing",
    ),
    "a route to a page that is off": (
        {"ingress": {"enabled": True, "uiHost": "music.example"}, "ui": {"enabled": False}},
        "ingress.uiHost is set, but ui.enabled is false",
    ),
    "a route from nowhere": (
        {"httpRoute": {"enabled": True, "uiHost": "music.example"}},
        "set httpRoute.parentRefs",
    ),
    "a setting that the chart decides": (
        {"transformer": {"settings": {"http_port": 9000}}},
        "transformer.settings.http_port is decided by the chart",
    ),
    "no store": ({"store": {"url": ""}}, "store.url is needed: s3://bucket/prefix"),
}

MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown name": ({"gateway": {"replica": 2}}, "'replica' not allowed"),
    "a wrong type": ({"ui": {"enabled": "yes"}}, "/ui/enabled"),
    "a store that is no bucket": ({"store": {"url": "http://minio/music"}}, "/store/url"),
    "latest": ({"images": {"tag": "latest"}}, "/images/tag"),
    "latest in an image": ({"images": {"ui": "segue-ui:latest"}}, "/images/ui"),
    "no pods": ({"predictor": {"replicas": 0}}, "/predictor/replicas"),
    "more than all": ({"gateway": {"challenger": {"share": 1.5}}}, "/gateway/challenger/share"),
    "a scaler that there is not": ({"autoscaling": {"class": "vpa"}}, "/autoscaling/class"),
    "an age of minutes, meant as months": ({"retention": {"olderThan": "3m"}}, "/retention/olderThan"),
    "an age of nothing": ({"retention": {"olderThan": "0d"}}, "/retention/olderThan"),
    "an hour of no day": ({"retention": {"schedule": "02:30"}}, "/retention/schedule"),
    "a step that there is not": ({"training": {"steps": {"trian": {}}}}, "'trian' not allowed"),
    "a local catalogue": ({"catalog": {"source": "/data/tracks.csv"}}, "/catalog/source"),
}


@pytest.mark.parametrize(("values", "told"), CASES.values(), ids=CASES)
def test_it_refuses_with_a_sentence(values: dict[str, Any], told: str) -> None:
    with pytest.raises(helm_python.HelmRenderError) as caught:
        render(values)
    assert told in str(caught.value)


@pytest.mark.parametrize(("values", "told"), MISTAKES.values(), ids=MISTAKES)
def test_it_refuses_what_the_schema_does_not_know(values: dict[str, Any], told: str) -> None:
    lint = helm_python.lint(str(CHART), deep_merge(MINIMAL, values), strict=True)
    assert any(told in str(message) for message in [*lint["messages"], *lint["errors"]])
    with pytest.raises(helm_python.HelmError) as caught:
        render(values)
    assert told in str(caught.value)
