"""The InferenceService is what KServe needs it to be, and the pair finds each other."""

from __future__ import annotations

import copy

import pytest

from tests.deploy.chart import Manifest, arguments_of, environment_of, render


def test_it_is_a_pair_in_standard_mode_within_the_cluster() -> None:
    service = render().one("InferenceService")
    assert service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"
    assert service["metadata"]["labels"]["networking.kserve.io/visibility"] == "cluster-local"
    assert set(service["spec"]) == {"predictor", "transformer"}
    for part in service["spec"].values():
        assert [container["name"] for container in part["containers"]] == ["kserve-container"]


def port_order_problems(service: Manifest) -> list[str]:
    """KServe's service sends port 80 to the first port of the container, and its gRPC client dials that."""
    expected = {"predictor": ("h2c", "grpc_port"), "transformer": ("http", "http_port")}
    problems = []
    for component, (name, flag) in expected.items():
        container = service["spec"][component]["containers"][0]
        port = container["ports"][0]
        if port["name"] != name or str(port["containerPort"]) != arguments_of(container)[flag]:
            problems.append(f"{component}: the first port is {port['name']}, expected {name}")
    return problems


def test_it_has_the_port_first_that_kserve_sends_its_port_80_to() -> None:
    service = render().one("InferenceService")
    assert port_order_problems(service) == []
    wrong = copy.deepcopy(service)
    wrong["spec"]["predictor"]["containers"][0]["ports"].reverse()
    assert port_order_problems(wrong) == ["predictor: the first port is http, expected h2c"]


def test_it_decides_the_arguments_that_kserve_would_add() -> None:
    arguments = arguments_of(render().pod("-transformer")["spec"]["containers"][0])
    assert arguments["model_name"] == "segue"
    assert arguments["predictor_host"] == "segue-predictor-pods:8081"
    assert arguments["http_port"] == "8080"
    assert "workers" not in arguments


def test_it_reaches_each_predictor_pod_by_a_headless_service() -> None:
    rendered = render()
    service = rendered.one("Service", "-predictor-pods")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"app": "isvc.segue-predictor"}
    port = rendered.pod("-predictor")["spec"]["containers"][0]["ports"][0]["containerPort"]
    assert service["spec"]["ports"][0]["port"] == service["spec"]["ports"][0]["targetPort"] == port
    # its name is none that KServe makes a service of
    assert service["metadata"]["name"] not in {"segue", "segue-predictor", "segue-transformer"}


@pytest.mark.parametrize("component", ["predictor", "transformer"])
def test_it_follows_the_channel_with_room_for_its_bundles(component: str) -> None:
    rendered = render({"store": {"channel": "challenger", "cacheSize": "9Gi"}})
    pod = rendered.pod(f"-{component}")
    container = pod["spec"]["containers"][0]
    assert arguments_of(container)["bundle"] == "s3://music/segue/channels/challenger"
    folder = environment_of(container)["SEGUE_CACHE_DIR"]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volume = next(volume for volume in pod["spec"]["volumes"] if volume["name"] == mounts[folder])
    assert volume["emptyDir"]["sizeLimit"] == "9Gi"


@pytest.mark.parametrize("component", ["predictor", "transformer"])
def test_it_lives_before_it_is_ready(component: str) -> None:
    container = render().pod(f"-{component}")["spec"]["containers"][0]
    port = int(arguments_of(container)["http_port"])
    live, ready = (container[f"{probe}Probe"]["httpGet"] for probe in ("liveness", "readiness"))
    assert (live["path"], live["port"]) == ("/v2/health/live", port)
    # kserve's /v2/health/ready is true without a bundle
    assert (ready["path"], ready["port"]) == ("/v2/models/segue/ready", port)


def test_it_passes_settings_as_flags() -> None:
    settings = {"strict": True, "predictor_deadline_seconds": 0.25}
    arguments = arguments_of(
        render({"transformer": {"settings": settings}}).pod("-transformer")["spec"]["containers"][0]
    )
    assert arguments["strict"] == ""
    assert arguments["predictor_deadline_seconds"] == "0.25"
    off = render({"transformer": {"settings": {"strict": False}}}).pod("-transformer")
    assert "strict" not in arguments_of(off["spec"]["containers"][0])


def test_it_gives_requests_time_to_end() -> None:
    for name in ("-predictor", "-transformer", "-gateway"):
        spec = render().pod(name)["spec"]
        wait = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        drain = 20
        assert spec["terminationGracePeriodSeconds"] > wait + drain


def test_it_stays_at_its_replicas_where_nothing_scales_it() -> None:
    service = render({"transformer": {"replicas": 3}}).one("InferenceService")
    assert service["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "none"
    part = service["spec"]["transformer"]
    assert (part["minReplicas"], part["maxReplicas"]) == (3, 3)


def test_it_scales_by_cpu_or_by_work_in_flight() -> None:
    hpa = render({"autoscaling": {"class": "hpa"}}).one("InferenceService")
    assert hpa["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "hpa"
    assert hpa["spec"]["predictor"]["scaleMetric"] == "cpu"
    assert (hpa["spec"]["predictor"]["minReplicas"], hpa["spec"]["predictor"]["maxReplicas"]) == (1, 4)

    keda = render({"autoscaling": {"class": "keda"}, "monitoring": {"enabled": True}}, namespace="jazz")
    metrics = keda.one("InferenceService")["spec"]["transformer"]["autoScaling"]["metrics"]
    query = metrics[1]["external"]["metric"]["query"]
    assert query == (
        'sum(segue_inflight_instances{namespace="jazz",release="segue",component="transformer"})'
    )
