"""Settings of the servers: where they come from, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.errors import SettingsError
from serving import metrics
from serving.settings import (
    GatewaySettings,
    PredictorSettings,
    TransformerSettings,
    is_secret,
    parse_settings,
)


def parse(*arguments: str) -> TransformerSettings:
    return parse_settings(TransformerSettings, arguments, program="transformer", about="")


def test_it_reads_flags_before_variables_before_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_it_names_a_wrong_setting(
    arguments: tuple[str, ...], variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{said}"):
        parse(*arguments)


def test_it_listens_on_different_ports_on_one_machine() -> None:
    ports = [
        field.default
        for kind in (TransformerSettings, PredictorSettings)
        for name, field in kind.model_fields.items()
        if name in ("http_port", "grpc_port")
    ]
    assert sorted(ports) == [8080, 8081, 8082, 8083]


def test_it_documents_every_setting() -> None:
    text = (Path(metrics.__file__).parent / "README.md").read_text(encoding="utf-8")
    for kind in (TransformerSettings, PredictorSettings, GatewaySettings):
        for name, field in kind.model_fields.items():
            flag = "" if is_secret(field) else f"`--{name}`"
            assert f"| {flag} | `SEGUE_{name.upper()}`" in text


def test_it_takes_a_secret_from_its_variable_alone(
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
