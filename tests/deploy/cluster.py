"""A Kubernetes without nodes: etcd, the API server and the controllers, on free ports of this machine.

Objects are validated, defaulted, admitted (the restricted pod security standard, enforced) and controlled as
in any cluster; pods stay pending. The custom resources' definitions are made from ../shared/schemas.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.deploy.chart import CHART, Manifest
from tests.deploy.schemas import SCHEMAS
from tests.serving.processes import free_port, wait_for

GO = Path.home() / "go" / "bin"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm", "openssl")
KINDS = ("InferenceService", "PodMonitor", "ServiceMonitor", "PrometheusRule", "ScaledObject", "HTTPRoute")


def program(name: str) -> str | None:
    """Where a program is, on the path or among Go's."""
    return shutil.which(name) or shutil.which(name, path=str(GO))


class Refused(Exception):
    """A command ended with an error; its text is what it wrote to stderr."""


class Cluster:
    """Commands against the API server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "KUBECONFIG": str(folder / "kubeconfig"), "HOME": str(folder)}

    def run(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl, helm or kustomize; its output.

        Raises
        ------
        Refused
            It ended with an error.
        """
        path = program(words[0])
        assert path is not None
        done = subprocess.run(
            [path, *words[1:]],
            input=stdin,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise Refused(done.stderr[-3000:])
        return done.stdout

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl."""
        return self.run("kubectl", *words, stdin=stdin)

    def apply(self, manifests: list[Manifest], namespace: str, *words: str) -> str:
        """Apply objects server-side, with unknown fields refused."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        flags = ("apply", "--server-side", "--validate=strict", "--filename=-")
        return self.kubectl("--namespace", namespace, *flags, *words, stdin=text)

    def helm(self, *words: str, namespace: str, values: dict[str, Any] | None = None) -> str:
        """Run helm with values, as JSON is YAML."""
        given = ("--values", "-") if values is not None else ()
        return self.run("helm", *words, "--namespace", namespace, *given, stdin=json.dumps(values))

    def get(self, kind: str, namespace: str) -> list[Manifest]:
        """All objects of a kind."""
        listed = json.loads(self.kubectl("--namespace", namespace, "get", kind, "--output", "json"))
        return list(listed["items"])

    def namespace(self, name: str) -> str:
        """A new namespace that enforces the restricted standard."""
        self.kubectl("create", "namespace", name)
        self.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        # a pod is refused until its namespace has this account
        wait_for(lambda: self.get("serviceaccounts", name), f"the account of {name}")
        return name

    def install(self, release: str, namespace: str, values: dict[str, Any], *words: str) -> str:
        """Install or upgrade the chart."""
        return self.helm(
            "upgrade", release, str(CHART), "--install", *words, namespace=namespace, values=values
        )


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Start all of it, and stop it at the end."""
    ports = {name: free_port() for name in ("client", "peer", "api", "controllers")}
    client, peer = (f"http://127.0.0.1:{ports[name]}" for name in ("client", "peer"))
    _write_credentials(folder, ports["api"])
    cluster = Cluster(folder)
    with ExitStack() as stack:
        stack.enter_context(
            _process(
                folder,
                "etcd",
                f"--data-dir={folder}/etcd",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            )
        )
        stack.enter_context(
            _process(
                folder,
                "kube-apiserver",
                f"--etcd-servers={client}",
                f"--cert-dir={folder}/certs",
                "--bind-address=127.0.0.1",
                f"--secure-port={ports['api']}",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={folder}/sa.pub",
                f"--service-account-signing-key-file={folder}/sa.key",
                f"--token-auth-file={folder}/tokens.csv",
                "--authorization-mode=RBAC",
            )
        )
        wait_for(lambda: _is_ready(cluster), "the API server", seconds=120)
        stack.enter_context(
            _process(
                folder,
                "kube-controller-manager",
                f"--kubeconfig={folder}/kubeconfig",
                f"--service-account-private-key-file={folder}/sa.key",
                "--bind-address=127.0.0.1",
                f"--secure-port={ports['controllers']}",
                f"--cert-dir={folder}/certs",
                "--leader-elect=false",
            )
        )
        cluster.apply(definitions(), "default")
        for definition in definitions():
            name = definition["metadata"]["name"]
            wait_for(functools.partial(_is_served, cluster, name), f"{name} to be served")
        yield cluster


def definitions() -> list[Manifest]:
    """Definitions of the custom resources that the chart uses."""
    found = []
    for kind in KINDS:
        (path,) = [
            p
            for p in sorted(SCHEMAS.glob(f"{kind.lower()}-*.json"))
            if "v1beta1" not in p.name or kind == KINDS[0]
        ]
        _, _, rest = path.stem.partition("-")
        group, _, version = rest.rpartition("-")
        schema = json.loads(path.read_text(encoding="utf-8"))
        schema.setdefault("properties", {}).setdefault("metadata", {"type": "object"})
        names = {"kind": kind, "plural": f"{kind.lower()}s", "singular": kind.lower()}
        served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}}
        # the API group gateway.networking.k8s.io is guarded by this annotation
        approved = {"api-approved.kubernetes.io": "unapproved, for tests"}
        found.append(
            {
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": f"{names['plural']}.{group}", "annotations": approved},
                "spec": {
                    "group": group,
                    "scope": "Namespaced",
                    "names": names,
                    "versions": [{**served, "schema": {"openAPIV3Schema": schema}}],
                },
            }
        )
    return found


def _write_credentials(folder: Path, port: int) -> None:
    (folder / "tokens.csv").write_text("admin-token,admin,admin,system:masters\n")
    key = str(folder / "sa.key")
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    public = ["openssl", "rsa", "-in", key, "-pubout", "-out", str(folder / "sa.pub")]
    subprocess.run(public, check=True, capture_output=True)
    server = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": server}],
        "users": [{"name": "admin", "user": {"token": "admin-token"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "admin"}}],
        "current-context": "here",
    }
    (folder / "kubeconfig").write_text(json.dumps(config))


@contextmanager
def _process(folder: Path, name: str, *flags: str) -> Iterator[None]:
    path = program(name)
    assert path is not None
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([path, *flags], stdout=log, stderr=log, cwd=folder)
    try:
        time.sleep(0.5)
        assert process.poll() is None, (folder / f"{name}.log").read_text()[-2000:]
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _is_served(cluster: Cluster, resource: str) -> bool:
    try:
        return cluster.get(resource, "default") == []
    except Refused:
        return False


def _is_ready(cluster: Cluster) -> bool:
    try:
        return cluster.kubectl("get", "--raw", "/readyz") == "ok"
    except Refused:
        return False
