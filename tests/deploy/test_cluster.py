"""Chart and kustomize against a real API server and real controllers: ``make cluster-test``."""

from __future__ import annotations

import copy
import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require
from tests.deploy.chart import CHART, MINIMAL, ROOT, Manifest, deep_merge, pods_of, render
from tests.deploy.cluster import PROGRAMS, Cluster, Refused, program, running
from tests.deploy.matrix import MATRIX
from tests.deploy.test_kustomize import MANIFESTS, OVERLAYS
from tests.serving.processes import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

TRIED = deep_merge(MINIMAL, {"catalog": {"source": "sample"}, "monitoring": {"enabled": True}})
# What a later version's chart may have more.
ADDED = """
apiVersion: v1
kind: ConfigMap
metadata: {name: segue-added}
data: {name: "{{ .Values.added.name }}", catalogue: "{{ .Values.catalog.source }}"}
"""
numbers = itertools.count()


@pytest.fixture(scope="module")
def cluster(custom_schemas: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    for name in PROGRAMS:
        require(program(name) is not None, name, "apt-get install etcd-server; scripts/apiserver.sh")
    with running(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    name = cluster.namespace(f"music-{next(numbers)}")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def uids(cluster: Cluster, namespace: str, release: str) -> dict[str, str]:
    kinds = "inferenceservice,statefulset,deployment,service,networkpolicy,serviceaccount,pdb,podmonitor,job"
    label = f"app.kubernetes.io/instance={release}"
    listed = json.loads(
        cluster.kubectl("--namespace", namespace, "get", kinds, "--selector", label, "--output", "json")
    )
    return {f"{m['kind']}/{m['metadata']['name']}": m["metadata"]["uid"] for m in listed["items"]}


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_it_renders_what_the_api_server_takes(
    cluster: Cluster, namespace: str, values: dict[str, Any]
) -> None:
    # roles for a profile belong into its namespace
    values = deep_merge(values, {"training": {"pipelines": {"namespace": ""}}})
    rendered = render(values, namespace=namespace)
    told = cluster.apply(rendered, namespace, "--dry-run=server")
    assert told.count("serverside-applied (server dry run)") == len(rendered)


@pytest.mark.parametrize("values", [MATRIX["trained"], MATRIX["evaluation"]], ids=["trained", "evaluation"])
def test_it_makes_pods_that_the_restricted_standard_admits(
    cluster: Cluster, namespace: str, values: dict[str, Any]
) -> None:
    values = deep_merge(values, {"training": {"pipelines": {"namespace": ""}}})
    rendered = render(values, namespace=namespace)
    cluster.apply(rendered, namespace)
    # KServe's controller is not here: the pair's pods are made as it makes them
    pair = [copy.deepcopy(pod) for _, pod in pods_of(rendered.one("InferenceService"))]
    assert cluster.apply(pair, namespace).count("serverside-applied") == 2
    expected = len(list(rendered.pods()))
    wait_for(lambda: len(cluster.get("pods", namespace)) == expected, "the controllers' pods")
    assert not [e for e in cluster.get("events", namespace) if "PodSecurity" in str(e.get("message"))]

    rooted = copy.deepcopy(pair[0])
    rooted["metadata"]["name"] = "rooted"
    rooted["spec"]["securityContext"]["runAsNonRoot"] = False
    with pytest.raises(Refused, match=r"violates PodSecurity .*restricted"):
        cluster.apply([rooted], namespace)


def test_it_is_refused_with_a_typo(cluster: Cluster, namespace: str) -> None:
    service = copy.deepcopy(render(namespace=namespace).one("InferenceService"))
    service["spec"]["predictor"]["minReplica"] = 1
    with pytest.raises(Refused, match="minReplica"):
        cluster.apply([service], namespace)


def test_it_installs_upgrades_and_goes_back_without_making_anything_anew(
    cluster: Cluster, namespace: str
) -> None:
    cluster.install("segue", namespace, TRIED)
    before = uids(cluster, namespace, "segue")
    assert len(before) >= 20

    changed = deep_merge(TRIED, {"images": {"tag": "9.9.9"}, "transformer": {"replicas": 3}})
    cluster.install("segue", namespace, changed)
    after = uids(cluster, namespace, "segue")
    kept = {name for name in before if not name.startswith("Job/")}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    # a job is another when its spec is another
    assert not {n for n in before if n.startswith("Job/")} & {n for n in after if n.startswith("Job/")}
    (service,) = cluster.get("inferenceservice", namespace)
    assert service["spec"]["transformer"]["minReplicas"] == 3

    cluster.helm("rollback", "segue", "1", namespace=namespace)
    (service,) = cluster.get("inferenceservice", namespace)
    assert service["spec"]["transformer"]["minReplicas"] == 1
    assert {name: uids(cluster, namespace, "segue")[name] for name in kept} == {n: before[n] for n in kept}


def test_it_does_nothing_when_it_is_upgraded_to_the_same(cluster: Cluster, namespace: str) -> None:
    def generations() -> dict[str, int]:
        kinds = "inferenceservice,statefulset,deployment,job"
        listed = json.loads(cluster.kubectl("-n", namespace, "get", kinds, "-o", "json"))
        return {m["metadata"]["name"]: m["metadata"]["generation"] for m in listed["items"]}

    cluster.install("segue", namespace, TRIED)
    before = generations()
    cluster.install("segue", namespace, TRIED)
    assert generations() == before


def test_it_takes_the_place_of_the_version_before(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    older = ("--version", "0.0.9", "--app-version", "0.0.9", "--destination", str(tmp_path))
    cluster.run("helm", "package", str(CHART), *older)
    cluster.helm("install", "segue", str(tmp_path / "segue-0.0.9.tgz"), namespace=namespace, values=TRIED)
    before = uids(cluster, namespace, "segue")
    cluster.install("segue", namespace, TRIED)
    after = uids(cluster, namespace, "segue")
    assert {n: u for n, u in before.items() if "Job/" not in n} == {
        n: u for n, u in after.items() if "Job/" not in n
    }


def test_it_is_upgraded_by_the_page_s_command_to_a_chart_with_more_values(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    page = (ROOT / "docs/DEPLOY.md").read_text()
    (told,) = re.findall(r"`helm upgrade segue helm/segue -n music (--.+?)`", page)
    # nothing becomes ready without nodes
    assert told.endswith("--rollback-on-failure --timeout 15m")
    flags = told.removesuffix("--rollback-on-failure --timeout 15m").split()
    cluster.install("segue", namespace, TRIED)

    newer = tmp_path / "segue"
    shutil.copytree(CHART, newer)
    with (newer / "values.yaml").open("a") as values:
        values.write("\nadded:\n  name: new\n")
    schema = json.loads((newer / "values.schema.json").read_text())
    schema["properties"]["added"] = {"type": "object"}
    (newer / "values.schema.json").write_text(json.dumps(schema))
    (newer / "templates" / "added.yaml").write_text(ADDED)
    with pytest.raises(Refused, match="added"):
        cluster.helm("upgrade", "segue", str(newer), "--reuse-values", namespace=namespace)
    cluster.helm("upgrade", "segue", str(newer), *flags, namespace=namespace)
    (added,) = [m for m in cluster.get("configmap", namespace) if m["metadata"]["name"] == "segue-added"]
    assert added["data"] == {"name": "new", "catalogue": "sample"}


def test_it_is_rolled_back_where_it_does_not_become_ready(cluster: Cluster, namespace: str) -> None:
    cluster.install("segue", namespace, TRIED)
    changed = deep_merge(TRIED, {"predictor": {"replicas": 3}})
    # no node here, so nothing becomes ready
    with pytest.raises(Refused):
        cluster.install("segue", namespace, changed, "--rollback-on-failure", "--timeout", "8s")
    history = json.loads(cluster.helm("history", "segue", "--output", "json", namespace=namespace))
    # the version before is not ready here either, and is there all the same
    assert [entry["revision"] for entry in history] == [1, 2, 3]
    assert history[1]["status"] == "failed"
    (service,) = cluster.get("inferenceservice", namespace)
    assert service["spec"]["predictor"]["minReplicas"] == 1


def test_it_leaves_another_release_alone_when_it_goes(cluster: Cluster, namespace: str) -> None:
    plain = deep_merge(TRIED, {"monitoring": {"rules": False, "dashboards": False}})
    cluster.install("jazz", namespace, plain)
    cluster.install("rock", namespace, plain)
    jazz = uids(cluster, namespace, "jazz")
    assert len(jazz) >= 20
    cluster.helm("uninstall", "rock", "--wait", namespace=namespace)
    assert uids(cluster, namespace, "jazz") == jazz
    assert uids(cluster, namespace, "rock") == {}
    claims = {claim["metadata"]["name"] for claim in cluster.get("pvc", namespace)}
    assert "state-rock-segue-gateway-0" in claims


def test_it_allows_each_account_what_it_needs_and_no_more(cluster: Cluster, namespace: str) -> None:
    cluster.install("segue", namespace, deep_merge(TRIED, {"training": {"onAlert": True}}))

    def may(account: str, verb: str, what: str) -> bool:
        resource, _, group = what.partition(".")
        asked = {"verb": verb, "resource": resource, "group": group, "namespace": namespace}
        user = f"system:serviceaccount:{namespace}:segue-{account}"
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": asked},
        }
        answer = cluster.kubectl("create", "--filename=-", "--output=json", stdin=json.dumps(review))
        return bool(json.loads(answer)["status"]["allowed"])

    runs = "runs.pipelines.kubeflow.org"
    assert may("training", "create", runs)
    assert may("gateway", "create", runs)
    assert not may("gateway", "delete", "jobs.pipelines.kubeflow.org")
    for account in ("training", "gateway", "predictor", "transformer", "ui"):
        assert not any(may(account, verb, "secrets") for verb in ("get", "list"))
        assert not may(account, "create", "pods")
    assert not may("predictor", "create", runs)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_applies_an_overlay_twice_and_changes_nothing_the_second_time(
    cluster: Cluster, overlay: str, tmp_path: Path
) -> None:
    namespace = cluster.namespace(f"overlay-{overlay}")
    text = cluster.run("kustomize", "build", str(MANIFESTS / "overlays" / overlay))
    mine = text.replace("namespace: segue\n", f"namespace: {namespace}\n")

    def versions() -> dict[str, str]:
        kinds = "inferenceservice,service,networkpolicy,job,role,rolebinding,hpa,httproute"
        listed = json.loads(cluster.kubectl("-n", namespace, "get", kinds, "-o", "json"))
        return {f"{m['kind']}/{m['metadata']['name']}": _without_status(m) for m in listed["items"]}

    apply = ("apply", "--server-side", "--validate=strict", "--filename=-")
    cluster.kubectl(*apply, stdin=mine)
    before = versions()
    assert len(before) > 15
    cluster.kubectl(*apply, stdin=mine)
    assert versions() == before
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")


def _without_status(manifest: Manifest) -> str:
    return json.dumps(
        [manifest["metadata"]["uid"], manifest["metadata"].get("generation"), manifest.get("spec")]
    )
