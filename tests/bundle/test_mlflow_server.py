"""The MLflow server that the live tests share keeps runs in SQLite and artifacts in MinIO."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segue.settings import S3Settings
from segue.store.open import open_store
from tests.live_services import MinioServer, MlflowServer


@pytest.mark.live
def test_an_artifact_lands_in_minio(
    mlflow_server: MlflowServer, minio: MinioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.setitem(os.environ, "MLFLOW_DISABLE_TELEMETRY", "true")
    client = MlflowClient(mlflow_server.url)
    experiment = client.create_experiment("artifact-lands")
    run = client.create_run(experiment)
    client.log_metric(run.info.run_id, "ndcg", 0.25)
    report = tmp_path / "report.html"
    report.write_text("<p>ok</p>")
    client.log_artifact(run.info.run_id, str(report))

    assert client.get_run(run.info.run_id).data.metrics == {"ndcg": 0.25}
    settings = S3Settings(
        endpoint=minio.endpoint, access_key=minio.access_key, secret_key=minio.secret_key, secure=False
    )
    store = open_store(f"s3://{mlflow_server.bucket}", s3=settings)
    stored = [entry.key for entry in store.entries("artifacts/") if run.info.run_id in entry.key]
    assert len(stored) == 1
    assert stored[0].endswith("artifacts/report.html")
    assert store.read(stored[0]) == b"<p>ok</p>"
