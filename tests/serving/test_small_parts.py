"""Settings, logs, drift counts, live recall and the names of metrics: what needs no server."""

from __future__ import annotations

import io
import json
import logging
import re
from pathlib import Path

import numpy as np
import pytest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceServicer
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Summary, generate_latest

from segue.errors import SettingsError
from segue.features.reference import Reference
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from serving import metrics
from serving.grpc_server import Servicer
from serving.logs import JSONFormatter, request_id, take_request_id
from serving.settings import (
    GatewaySettings,
    PredictorSettings,
    TransformerSettings,
    is_secret,
    parse_settings,
)
from serving.transformer.drift import DriftCollector, DriftCounts
from serving.transformer.recall import LiveRecall, exact_neighbours
from tests.serving.conftest import Family


def parse(*arguments: str) -> TransformerSettings:
    return parse_settings(TransformerSettings, arguments, program="transformer", about="")


def test_should_read_flags_before_variables_before_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_BUNDLE", "/a/channels/champion")
    monkeypatch.setenv("SEGUE_HTTP_PORT", "9000")
    monkeypatch.setenv("SEGUE_STRICT", "true")
    settings = parse("--http-port", "9001", "--predictor_host=host")
    assert (settings.bundle, settings.http_port, settings.grpc_port) == ("/a/channels/champion", 9001, 8083)
    assert (settings.strict, settings.predictor_host) == (True, "host")


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ((), {}, "--bundle or SEGUE_BUNDLE is needed"),
        (("--bundle", "x", "--http_port", "web"), {}, "--http_port:"),
        (("--bundle", "x"), {"SEGUE_KEEP_VERSIONS": "1"}, "SEGUE_KEEP_VERSIONS:"),
        (("--bundle", "x", "--predictor_protocol", "v1"), {}, "--predictor_protocol:"),
        (("--bundle", "x"), {}, "--bundle: 'x' is not a bundle"),
    ],
)
def test_should_name_a_wrong_setting(
    arguments: tuple[str, ...], variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{said}"):
        parse(*arguments)


def test_should_listen_on_different_ports_on_one_machine() -> None:
    ports = [
        field.default
        for kind in (TransformerSettings, PredictorSettings)
        for name, field in kind.model_fields.items()
        if name in ("http_port", "grpc_port")
    ]
    assert sorted(ports) == [8080, 8081, 8082, 8083]


def logged(*arguments: object, **extra: object) -> dict[str, object]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter())
    logger = logging.getLogger("serving.test")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.error(*arguments, **extra)  # type: ignore[arg-type]
    finally:
        logger.removeHandler(handler)
    value: dict[str, object] = json.loads(stream.getvalue())
    return value


def test_should_log_one_json_object_a_line_with_the_request_id() -> None:
    take_request_id({"x-request-id": "abc"})
    line = logged("first\nsecond %s", "é", extra={"fields": {"digest": "d"}})
    assert line["message"] == "first\nsecond é"
    assert (line["request_id"], line["digest"], line["level"]) == ("abc", "d", "ERROR")
    request_id.set("")


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "a\nb", "x" * 129, "ä"])
def test_should_make_a_request_id_where_the_given_one_is_not_plain(given: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", take_request_id({"x-request-id": given}))


@pytest.mark.parametrize(
    "text",
    [
        "s3://user:hunter2@host/bucket refused",
        "SEGUE_S3_SECRET_KEY=hunter2 is wrong",
        "authorization: Bearer hunter2",
        "{'secret_key': 'hunter2'}",
        "access_key=hunter2, region=eu",
    ],
)
def test_should_never_log_a_secret(text: str) -> None:
    assert "hunter2" not in json.dumps(logged(text))
    assert "hunter2" not in json.dumps(logged("failed", exc_info=ValueError(text)))


@pytest.fixture(scope="module")
def opened(families: list[Family]) -> tuple[Recommender, Reference]:
    family = families[0]
    reference = Reference.model_validate_json(family.parts["reference.json"].read_bytes())
    return Recommender(family.steps.bundle()), reference


def test_should_count_seeds_and_lists_into_the_bundles_bins(opened: tuple[Recommender, Reference]) -> None:
    recommender, reference = opened
    names = recommender.bundle.definition.features
    counts = DriftCounts("d", names, reference)
    assert {value for counted in counts.queries().values() for value in counted} == {0}
    requests = [Request.parse({"seeds": [f"id{row:06d}"], "k": 5}) for row in range(700)]
    pools = recommender.prepare(requests)
    answers = [
        recommender.answer(request, pool, {"popularity": np.full(len(pool.rows), 50, np.float32)})
        for request, pool in zip(requests, pools, strict=True)
    ]
    for pool, answer in zip(pools, answers, strict=True):
        counts.add([pool], [answer])
    rows = recommender.bundle.features[:700]
    for position, name in enumerate(names):
        expected = reference.features[name].count(np.asarray(rows[:, position]))
        np.testing.assert_array_equal(counts.queries()[name], expected)
    similarity = np.array([item.similarity for answer in answers for item in answer.items], np.float32)
    np.testing.assert_array_equal(
        counts.outputs()["similarity"], reference.outputs["similarity"].count(similarity)
    )
    assert counts.outputs()["predicted_popularity"].sum() == 3_500
    # a degraded list has no predictions, and the reference knows none: what was asked for counts, it does not
    counts.add(pools[:1], [recommender.answer(requests[0], pools[0], None)])
    assert counts.outputs()["predicted_popularity"].sum() == 3_500
    assert counts.queries()[names[0]].sum() == 701


def test_should_end_the_series_of_a_dropped_bundle(opened: tuple[Recommender, Reference]) -> None:
    recommender, reference = opened
    collector = DriftCollector()
    collector.add(DriftCounts("d", recommender.bundle.definition.features, reference))
    samples = [sample for family in collector.collect() for sample in family.samples]
    zeros = [s for s in samples if s.name == "segue_query_bin_total" and s.labels["feature"] == "energy"]
    assert [sample.labels["bin"] for sample in zeros] == list(reference.features["energy"].labels)
    assert {sample.value for sample in zeros} == {0}
    collector.remove("d")
    assert [sample for family in collector.collect() for sample in family.samples] == []


def test_should_find_the_neighbours_that_an_exact_search_finds(opened: tuple[Recommender, Reference]) -> None:
    bundle = opened[0].bundle
    point = np.array(bundle.embedding[7])[None, :]
    distances = ((np.asarray(bundle.embedding) - point) ** 2).sum(axis=1)
    expected = set(np.argsort(distances, kind="stable")[:50].tolist())
    assert len(expected & set(exact_neighbours(bundle.embedding, point, 50).tolist())) >= 49


def test_should_export_live_recall_and_forget_it(opened: tuple[Recommender, Reference]) -> None:
    bundle = opened[0].bundle
    recall = LiveRecall(0.0)
    assert recall.measure(bundle, np.array(bundle.embedding[7])[None, :]) == 1.0
    labels = {"digest": bundle.digest}
    assert REGISTRY.get_sample_value("segue_live_recall", labels) == 1.0
    assert REGISTRY.get_sample_value("segue_live_recall_samples_total", labels) == 1.0
    recall.forget(bundle.digest)
    assert REGISTRY.get_sample_value("segue_live_recall", labels) is None


def test_should_say_of_each_metric_who_reads_it() -> None:
    source = Path(metrics.__file__).read_text(encoding="utf-8").splitlines()
    for name in metrics.__all__:
        line = next(number for number, text in enumerate(source) if text.startswith(f"{name} = "))
        assert source[line - 1].startswith("# "), name


def test_should_prefix_all_metrics_and_label_none_with_a_track() -> None:
    for name in metrics.__all__:
        metric = getattr(metrics, name)
        if isinstance(metric, Counter | Gauge | Histogram | Summary):
            assert metric._name.startswith("segue_")
            assert not {"track", "track_id", "user", "query", "session"} & set(metric._labelnames)


def test_should_keep_series_of_creation_times_out() -> None:
    assert b"segue_requests_created" not in generate_latest()


def test_should_document_every_setting() -> None:
    text = (Path(metrics.__file__).parent / "README.md").read_text(encoding="utf-8")
    for kind in (TransformerSettings, PredictorSettings, GatewaySettings):
        for name, field in kind.model_fields.items():
            flag = "" if is_secret(field) else f"`--{name}`"
            assert f"| {flag} | `SEGUE_{name.upper()}`" in text


def test_should_take_a_secret_from_its_variable_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def parse_gateway(*arguments: str) -> GatewaySettings:
        return parse_settings(
            GatewaySettings, ["--bundle", "store/channels/champion", *arguments], program="gateway", about=""
        )

    monkeypatch.setenv("SEGUE_SPOTIFY_CLIENT_SECRET", "hunter2")
    secret = parse_gateway().spotify_client_secret
    assert secret is not None
    assert secret.get_secret_value() == "hunter2"
    with pytest.raises(SystemExit):
        parse_gateway("--spotify_client_secret", "hunter3")
    assert "unrecognized arguments" in capsys.readouterr().err


def test_should_document_every_metric() -> None:
    text = (Path(metrics.__file__).parent / "README.md").read_text(encoding="utf-8")
    for name in metrics.__all__:
        metric = getattr(metrics, name)
        assert f"`{metric if isinstance(metric, str) else metric._name}" in text


def test_should_predict_in_blocks_of_trees_what_the_booster_predicts_at_once(families: list[Family]) -> None:
    import lightgbm

    steps = families[0].steps
    matrix = np.load(steps.parts["features.npy"])
    at_once = lightgbm.Booster(model_file=str(steps.parts["popularity.txt"])).predict(matrix)
    for threads in (1, 2):
        seen = steps.ranker().predict(matrix, threads=threads)["popularity"]
        np.testing.assert_allclose(seen, at_once, rtol=1e-6)


def test_every_method_of_the_protocol_turns_faults_into_a_status() -> None:
    methods = {name for name in vars(GRPCInferenceServiceServicer) if not name.startswith("_")}
    assert "ModelInfer" in methods
    assert methods == {name for name in vars(Servicer) if not name.startswith("_")}
