"""Gateway and page: where they look, what they keep, how they are reached."""

from __future__ import annotations

from tests.deploy.chart import containers_of, environment_of, render
from tests.deploy.matrix import DATABASE, MATRIX


def test_it_asks_the_transformer_at_a_service_that_is_there() -> None:
    rendered = render()
    gateway = rendered.pod("-gateway")["spec"]["containers"][0]
    assert environment_of(gateway)["SEGUE_TRANSFORMER_URL"] == "http://segue-transformer-http:8080"
    service = rendered.one("Service", "-transformer-http")
    assert service["spec"]["ports"][0]["port"] == 8080
    assert service["spec"]["selector"] == {"app": "isvc.segue-transformer"}


def test_it_serves_the_same_channel_as_the_pair() -> None:
    gateway = render({"store": {"channel": "jazz"}}).pod("-gateway")["spec"]["containers"][0]
    assert environment_of(gateway)["SEGUE_BUNDLE"] == "s3://music/segue/channels/jazz"


def test_it_migrates_before_it_serves_and_with_the_same_database() -> None:
    for values in ({}, DATABASE):
        pod = render(values).pod("-gateway")
        migrate, _, gateway = containers_of(pod)
        assert migrate["command"] == ["segue", "database", "migrate"]
        address = environment_of(gateway)["SEGUE_DATABASE_URL"]
        assert environment_of(migrate)["SEGUE_DATABASE_URL"] == address


def test_it_knows_the_page_s_key_before_the_page_asks() -> None:
    pod = render().pod("-gateway")
    _, adopt, _ = containers_of(pod)
    assert adopt["command"][:3] == ["segue", "keys", "adopt"]
    page = environment_of(render().pod("-ui")["spec"]["containers"][0])
    assert environment_of(adopt)["SEGUE_KEY_CREDENTIAL"] == page["SEGUE_GATEWAY_KEY"]
    without = containers_of(render({"ui": {"enabled": False}}).pod("-gateway"))
    assert [container["name"] for container in without] == ["migrate", "gateway"]


def test_it_keeps_sqlite_and_the_spool_on_a_volume_that_outlives_the_pod() -> None:
    stateful = render().one("StatefulSet")
    assert stateful["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] == "state"
    container = stateful["spec"]["template"]["spec"]["containers"][0]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert environment_of(container)["SEGUE_LOG_SPOOL"].startswith(mounts["state"])
    assert environment_of(container)["SEGUE_DATABASE_URL"] == f"sqlite:///{mounts['state']}/segue.sqlite"


def test_it_reads_the_database_server_s_address_from_its_secret() -> None:
    container = render(DATABASE).pod("-gateway")["spec"]["containers"][0]
    reference = environment_of(container)["SEGUE_DATABASE_URL"]["secretKeyRef"]
    assert reference == {"name": "segue-database", "key": "url"}


def test_it_has_no_replicas_of_its_own_when_something_scales_it() -> None:
    assert "replicas" not in render(MATRIX["hpa"]).one("StatefulSet")["spec"]
    target = render(MATRIX["hpa"]).one("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "segue-gateway"}
    assert "replicas" not in render(MATRIX["keda"]).one("StatefulSet")["spec"]
    assert render(MATRIX["keda"]).one("ScaledObject")["spec"]["maxReplicaCount"] == 6


def test_it_splits_sessions_only_with_a_challenger() -> None:
    plain = environment_of(render().pod("-gateway")["spec"]["containers"][0])
    assert not any("CHALLENGER" in name for name in plain)
    split = render(MATRIX["served with a canary"])
    environment = environment_of(split.pod("-gateway")["spec"]["containers"][0])
    assert environment["SEGUE_CHALLENGER_SHARE"] == "0.25"
    # the address is that of a service which the other release makes
    canary = render(MATRIX["canary"], name="segue-challenger")
    service = canary.one("Service", "-transformer-http")
    port = service["spec"]["ports"][0]["port"]
    assert environment["SEGUE_CHALLENGER_URL"] == f"http://{service['metadata']['name']}:{port}"


def test_it_gives_the_page_a_gateway_and_a_key_by_reference() -> None:
    rendered = render({"ui": {"existingSecret": "page"}})
    environment = environment_of(rendered.pod("-ui")["spec"]["containers"][0])
    service = rendered.one("Service", "-gateway")
    port = service["spec"]["ports"][0]["port"]
    assert environment["SEGUE_GATEWAY_URL"] == f"http://{service['metadata']['name']}:{port}"
    assert environment["SEGUE_GATEWAY_KEY"] == {"secretKeyRef": {"name": "page", "key": "key"}}
    assert environment["SEGUE_HOST"] == "0.0.0.0"


def test_it_has_no_page_where_it_is_off() -> None:
    rendered = render({"ui": {"enabled": False}})
    assert [m["kind"] for m in rendered if m["metadata"]["name"].endswith("-ui")] == []


def test_it_publishes_what_has_a_host() -> None:
    ingress = render({"ingress": {"enabled": True, "gatewayHost": "api.music.example"}}).one("Ingress")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["api.music.example"]
    assert "tls" not in ingress["spec"]

    routes = render(MATRIX["http route"])
    services = {s["metadata"]["name"]: s["spec"]["ports"][0]["port"] for s in routes.of("Service")}
    for route in routes.of("HTTPRoute"):
        backend = route["spec"]["rules"][0]["backendRefs"][0]
        assert services[backend["name"]] == backend["port"]


def test_it_finds_the_pods_of_every_service_and_budget() -> None:
    for values in MATRIX.values():
        rendered = render(values)
        labels = [pod["metadata"]["labels"] for _, pod in rendered.pods()]
        for manifest in [*rendered.of("Service"), *rendered.of("PodDisruptionBudget")]:
            selector = manifest["spec"]["selector"]
            wanted = selector.get("matchLabels", selector)
            found = [pod for pod in labels if wanted.items() <= pod.items()]
            assert len(found) == 1, manifest["metadata"]["name"]


def test_it_gives_the_role_s_name_to_the_accounts_that_read_the_store_alone() -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/music"}
    values = {"store": {"secretRequired": False, "roleAnnotations": role}, "catalog": {"source": "sample"}}
    rendered = render(values)
    annotated = {
        m["metadata"]["name"]: m["metadata"].get("annotations") for m in rendered.of("ServiceAccount")
    }
    assert annotated.pop("segue-ui") is None
    assert annotated == {f"segue-{c}": role for c in ("predictor", "transformer", "gateway", "training")}
    for name, pod in rendered.pods():
        if not name.endswith("-ui"):
            told = environment_of(pod["spec"]["containers"][0])["SEGUE_S3_ROLE"]["secretKeyRef"]
            assert told == {"name": "segue-s3", "key": "role", "optional": True}
