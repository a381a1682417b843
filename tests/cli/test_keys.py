"""``segue keys`` and ``segue database``, as a person and a script run them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segue.cli import main
from segue.database import migrate, open_engine
from segue.keys import KeyRing, Scope
from tests.commands import call_main


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'segue.db'}"


def variables(url: str) -> dict[str, str]:
    return {"SEGUE_DATABASE_URL": url, "COLUMNS": "200"}


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return call_main(main, *arguments, variables=variables(url))


def test_it_prints_a_credential_that_opens_and_how_to_use_it(url: str) -> None:
    migrate(url)
    arguments = ("keys", "create", "--name", "page", "--scope", "read", "--scope", "feedback")
    command = [sys.executable, "-m", "segue.cli", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables(url))
    assert done.returncode == 0, done.stderr
    credential = done.stdout.strip()
    ring = KeyRing(open_engine(url))
    ring.refresh()
    key = ring.check(credential)
    assert key is not None
    assert (key.name, key.scopes, key.expires_at) == ("page", {Scope.READ, Scope.FEEDBACK}, None)
    assert f"-H 'Authorization: Bearer {credential}'" in done.stderr
    assert f"client id {key.id}, client secret {credential.partition('.')[2]}" in done.stderr


def test_it_lists_and_revokes_by_name_or_id(url: str) -> None:
    migrate(url)
    made = json.loads(
        run(url, "keys", "create", "-n", "page", "-s", "admin", "--expires", "90d", "--json").stdout
    )
    ends = datetime.fromisoformat(made["expires_at"])
    assert timedelta(days=89) < ends - datetime.now(UTC) <= timedelta(days=90)
    run(url, "keys", "create", "-n", "other", "-s", "read")
    shown = run(url, "keys", "list").stdout
    assert made["id"] in shown
    assert made["credential"].partition(".")[2] not in shown
    assert run(url, "keys", "revoke", "page").stdout == f"{made['id']} (page) is revoked\n"
    other = json.loads(run(url, "keys", "list", "--json").stdout)[1]
    assert run(url, "keys", "revoke", other["id"]).returncode == 0
    states = {key["name"]: key["state"] for key in json.loads(run(url, "keys", "list", "--json").stdout)}
    assert states == {"page": "revoked", "other": "revoked"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("keys", "create", "-n", "x", "-s", "write"),
            "scope 'write': expected one of",
        ),
        (("keys", "create", "-n", "x", "-s", "read", "--expires", "soon"), "--expires: expected a date"),
        (("keys", "create", "-n", "x", "-s", "read", "--expires", "2020-01-01"), "is past"),
        (("keys", "revoke", "nobody"), "no key has the id or live name 'nobody'"),
    ],
)
def test_it_says_in_one_line_what_is_wrong(url: str, arguments: tuple[str, ...], message: str) -> None:
    migrate(url)
    done = run(url, *arguments)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert message in line


def test_it_says_what_to_do_before_there_are_tables_and_does_it(url: str) -> None:
    done = run(url, "keys", "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"segue: {url} has no tables yet: run segue database migrate\n"
    assert run(url, "database", "status").returncode == 1
    assert run(url, "database", "migrate").stdout == f"{url}: was migrated, revision 0001\n"
    assert run(url, "database", "migrate").stdout == f"{url}: is current, revision 0001\n"
    status = run(url, "database", "status", "--json")
    assert status.returncode == 0
    assert json.loads(status.stdout)["state"] == "current"
    assert run(url, "keys", "list").stdout == "no keys yet: segue keys create makes one\n"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "oracle://u:hunter2@h/x",
            "SEGUE_DATABASE_URL: oracle: expected sqlite, postgresql",
        ),
        ("nonsense", "SEGUE_DATABASE_URL: expected a URL such as sqlite:///segue.db"),
        ("postgresql://u:hunter2@h", "names no database, expected postgresql://host/name"),
        ("postgresql://u:hunter2@127.0.0.1:1/x", "postgresql://u:***@127.0.0.1:1/x: "),
    ],
)
def test_it_names_a_wrong_address_and_never_its_password(url: str, message: str) -> None:
    done = run(url, "database", "status")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert message in line
    assert "hunter2" not in line
