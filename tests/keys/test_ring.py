"""Keys in memory: who is let in, and what becomes of that while the database is away."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from sqlalchemy import Engine, select, update

from segue.database import migrate, open_engine
from segue.database.tables import API_KEYS
from segue.errors import DatabaseError
from segue.keys import KeyRing, Scope, create_key, revoke_key
from tests.database_servers import DatabaseServer


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'segue.db'}"
    migrate(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


def ring_of(engine: Engine) -> KeyRing:
    ring = KeyRing(engine)
    ring.refresh()
    return ring


def until(is_so: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_lets_in_who_has_the_secret_and_nobody_else(engine: Engine) -> None:
    key, credential = create_key(engine, name="page", scopes=[Scope.READ])
    other, _ = create_key(engine, name="other", scopes=[Scope.ADMIN])
    ring = ring_of(engine)
    assert ring.check(credential) == key
    secret = credential.partition(".")[2]
    for wrong in ("", ".", key.id, f"{key.id}.", f"{key.id}.{secret}x", f"{key.id}.{secret[:-1]}"):
        assert ring.check(wrong) is None
    for wrong in (
        f".{secret}",
        f"{other.id}.{secret}",
        f"nobody.{secret}",
        "a.b.c",
        "ключ.секрет",
        "\udce4.\udce4",
    ):
        assert ring.check(wrong) is None


def test_it_knows_a_key_once_it_was_read(engine: Engine) -> None:
    ring = ring_of(engine)
    key, credential = create_key(engine, name="page", scopes=[Scope.READ])
    assert not ring.knows(credential)
    assert ring.check(credential) is None
    ring.refresh()
    assert ring.knows(credential)
    assert ring.knows(ring.issue(credential) or "")
    assert ring.check(credential) == key


def test_it_refuses_a_key_that_is_revoked_or_expired(engine: Engine) -> None:
    key, credential = create_key(engine, name="page", scopes=[Scope.READ])
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    _, brief = create_key(engine, name="brief", scopes=[Scope.READ], expires_at=soon)
    ring = ring_of(engine)
    tokens = [ring.issue(credential), ring.issue(brief)]
    assert all(token and ring.check(token) for token in tokens)
    time.sleep(0.35)
    assert ring.check(brief) is None
    assert ring.check(tokens[1] or "") is None
    revoke_key(engine, key.id)
    ring.refresh()
    assert ring.check(credential) is None
    assert ring.check(tokens[0] or "") is None
    assert ring.issue(credential) is None


def test_a_token_is_good_on_every_replica_and_for_its_time(engine: Engine) -> None:
    key, credential = create_key(engine, name="page", scopes=[Scope.READ])
    one, other = ring_of(engine), ring_of(engine)
    token = one.issue(credential, seconds=600)
    assert token is not None
    assert other.check(token) == key
    assert other.issue(token) is None
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    assert header["kid"] == key.id
    assert claims["exp"] - claims["iat"] == 600
    assert other.check(one.issue(credential, seconds=-1) or "") is None


def test_a_token_is_not_forged_with_what_the_database_has(engine: Engine) -> None:
    key, credential = create_key(engine, name="page", scopes=[Scope.ADMIN])
    ring = ring_of(engine)
    with engine.connect() as connection:
        row = connection.execute(select(API_KEYS)).one()
    now = datetime.now(UTC)
    claims = {"iss": "segue", "sub": key.id, "iat": now, "exp": now + timedelta(hours=1)}
    known = [
        row.secret_sha256.encode(),
        bytes.fromhex(row.token_public_key),
        bytes.fromhex(row.secret_sha256),
    ]
    for secret in known:
        forged = jwt.encode(claims, secret, algorithm="HS256", headers={"kid": key.id})
        assert ring.check(forged) is None
    assert ring.check(jwt.encode(claims, "", algorithm="none", headers={"kid": key.id})) is None
    token = ring.issue(credential) or ""
    head, body, signature = token.split(".")
    longer = json.loads(base64.urlsafe_b64decode(body + "==")) | {"exp": 9_999_999_999}
    changed = base64.urlsafe_b64encode(json.dumps(longer).encode()).decode().rstrip("=")
    assert ring.check(f"{head}.{changed}.{signature}") is None
    other, _ = create_key(engine, name="other", scopes=[Scope.READ])
    ring.refresh()
    claims["sub"] = other.id
    assert ring.check(jwt.encode(claims, b"x" * 32, algorithm="HS256", headers={"kid": other.id})) is None


def test_it_takes_a_scope_of_a_newer_version_for_none(engine: Engine) -> None:
    _, credential = create_key(engine, name="page", scopes=[Scope.READ])
    with engine.begin() as connection:
        connection.execute(update(API_KEYS).values(scopes="read superuser"))
    found = ring_of(engine).check(credential)
    assert found is not None
    assert found.scopes == {Scope.READ}


def test_it_waits_for_its_first_keys_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = f"sqlite:///{tmp_path / 'segue.db'}"
    engine = open_engine(url)  # no tables yet
    ring = KeyRing(engine, ttl_seconds=0.05)
    with pytest.raises(DatabaseError, match="no such table"):
        ring.refresh()
    with caplog.at_level(logging.INFO, "segue.keys"):
        ring.start()
        time.sleep(0.3)
        assert not ring.is_loaded
        assert ring.age_seconds == float("inf")
        migrate(url)
        key, credential = create_key(engine, name="page", scopes=[Scope.READ])
        until(lambda: ring.check(credential) == key)
        ring.stop()
    assert ring.is_loaded
    assert ring.age_seconds < 60
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the keys can't be read, the last ones stay in use",
        "the keys can be read again",
    ]


@pytest.mark.live
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_it_locks_nobody_out_while_the_database_is_away(
    kind: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    server: DatabaseServer = request.getfixturevalue(kind)
    url = server.make_database()
    migrate(url)
    engine = open_engine(url)
    key, credential = create_key(engine, name="page", scopes=[Scope.READ])
    ring = KeyRing(engine, ttl_seconds=0.1)
    ring.start()
    until(lambda: ring.check(credential) == key)
    token = ring.issue(credential) or ""
    server.kill()
    try:
        until(lambda: ring.age_seconds > 1.0)
        assert ring.check(credential) == key
        assert ring.check(token) == key
        assert ring.issue(credential)
        with pytest.raises(DatabaseError):
            ring.refresh()
        late = KeyRing(engine, ttl_seconds=0.1)
        late.start()
        time.sleep(0.3)
        assert not late.is_loaded
    finally:
        server.start()
    until(lambda: ring.age_seconds < 0.5 and late.is_loaded)
    revoke_key(engine, key.id)
    until(lambda: ring.check(credential) is None and ring.check(token) is None)
    ring.stop()
    late.stop()
    engine.dispose()
    away = [record for record in caplog.records if "can't be read" in record.message]
    assert len(away) == 2  # one each, however often they tried
