"""A credential that a deployment's secret holds becomes a key, and the only one of its name."""

from __future__ import annotations

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from segue.cli import main
from segue.database import migrate, open_engine
from segue.errors import CredentialError
from segue.keys import KeyRing, create_key, list_keys, revoke_key
from segue.keys.adopt import adopt_key
from segue.keys.key import Scope, new_id, new_secret
from tests.commands import call_main

SCOPES = [Scope.READ, Scope.FEEDBACK]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    url = f"sqlite:///{tmp_path}/segue.db"
    migrate(url)
    return open_engine(url)


def drawn() -> str:
    return f"{new_id()}.{new_secret()}"


def opens(engine: Engine, credential: str) -> frozenset[Scope] | None:
    ring = KeyRing(engine)
    ring.refresh()
    key = ring.check(credential)
    return key.scopes if key else None


def test_it_opens_with_an_adopted_credential(engine: Engine) -> None:
    credential = drawn()
    assert adopt_key(engine, credential, name="page", scopes=SCOPES)
    assert opens(engine, credential) == frozenset(SCOPES)


def test_it_changes_nothing_when_it_is_adopted_again(engine: Engine) -> None:
    credential = drawn()
    adopt_key(engine, credential, name="page", scopes=SCOPES)
    before = list_keys(engine)
    assert not adopt_key(engine, credential, name="page", scopes=SCOPES)
    assert list_keys(engine) == before


def test_it_revokes_the_key_that_had_the_name(engine: Engine) -> None:
    _, old = create_key(engine, name="page", scopes=SCOPES)
    new = drawn()
    adopt_key(engine, new, name="page", scopes=SCOPES)
    assert opens(engine, old) is None
    assert opens(engine, new) == frozenset(SCOPES)


def test_it_is_adopted_once_by_several_gateways_that_start_at_once(database: Engine) -> None:
    for number in range(5):
        credential, name = drawn(), f"page {number}"
        start = threading.Barrier(6)

        def adopt(credential: str = credential, name: str = name, start: threading.Barrier = start) -> bool:
            start.wait()
            return adopt_key(database, credential, name=name, scopes=SCOPES)

        with ThreadPoolExecutor(6) as pool:
            changed = [future.result() for future in [pool.submit(adopt) for _ in range(6)]]
        assert any(changed)
        assert not adopt_key(database, credential, name=name, scopes=SCOPES)
        assert opens(database, credential) == frozenset(SCOPES)
    assert len(list_keys(database)) == 5


def test_it_takes_other_scopes_over(engine: Engine) -> None:
    credential = drawn()
    adopt_key(engine, credential, name="page", scopes=SCOPES)
    assert adopt_key(engine, credential, name="page", scopes=[Scope.READ])
    assert opens(engine, credential) == frozenset([Scope.READ])


def test_it_does_not_bring_back_what_was_revoked(engine: Engine) -> None:
    credential = drawn()
    adopt_key(engine, credential, name="page", scopes=SCOPES)
    revoke_key(engine, credential.partition(".")[0])
    with pytest.raises(CredentialError, match="was revoked: generate a new credential"):
        adopt_key(engine, credential, name="page", scopes=SCOPES)
    assert opens(engine, credential) is None


def test_it_refuses_another_secret_for_an_id(engine: Engine) -> None:
    credential = drawn()
    adopt_key(engine, credential, name="page", scopes=SCOPES)
    other = f"{credential.partition('.')[0]}.{new_secret()}"
    with pytest.raises(CredentialError, match="has another secret") as caught:
        adopt_key(engine, other, name="page", scopes=SCOPES)
    assert other.partition(".")[2] not in str(caught.value)
    assert opens(engine, other) is None


@pytest.mark.parametrize("credential", ["", "page", "abc.def", f"{'0a' * 8}.hunter2", f"XYZ.{'Ab-_' * 11}"])
def test_it_refuses_what_is_no_credential_without_showing_it(engine: Engine, credential: str) -> None:
    with pytest.raises(CredentialError, match=r"expected 16 hexadecimal digits") as caught:
        adopt_key(engine, credential, name="page", scopes=SCOPES)
    assert not credential or credential not in str(caught.value)


def test_it_adopts_from_the_command_line_by_variable_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/segue.db"
    migrate(url)
    credential = drawn()

    def adopt(**environment: str) -> subprocess.CompletedProcess[str]:
        arguments = ("keys", "adopt", "--name", "page", "--scope", "read")
        return call_main(main, *arguments, variables={"SEGUE_DATABASE_URL": url, **environment})

    first, again, without = (
        adopt(SEGUE_KEY_CREDENTIAL=credential),
        adopt(SEGUE_KEY_CREDENTIAL=credential),
        adopt(),
    )
    assert first.stdout == f"key {credential[:16]} (page) is adopted\n", first.stderr
    assert "is there already" in again.stdout
    assert (without.returncode, without.stderr.strip()) == (
        1,
        "segue: SEGUE_KEY_CREDENTIAL is not set: expected ID.SECRET",
    )
    assert opens(open_engine(url), credential) == frozenset([Scope.READ])
