"""Keys in the database, of each kind."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, select, update

from segue.database.tables import API_KEYS
from segue.errors import CredentialError
from segue.keys import Scope, create_key, list_keys, revoke_key

READ = [Scope.READ]


def test_it_gives_back_what_was_made(database: Engine) -> None:
    ends = datetime(2031, 5, 1, 12, 30, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    before = datetime.now(UTC)
    made, credential = create_key(
        database, name="봄날 page", scopes=[Scope.FEEDBACK, Scope.READ], expires_at=ends
    )
    assert list_keys(database) == [made]
    assert (made.name, made.scopes) == ("봄날 page", {Scope.READ, Scope.FEEDBACK})
    assert made.expires_at == ends
    assert made.expires_at.utcoffset() == timedelta(0)
    assert before <= made.created_at <= datetime.now(UTC)
    assert credential.startswith(f"{made.id}.")


def test_it_keeps_the_hash_of_the_secret_and_nothing_that_makes_one(database: Engine) -> None:
    _, credential = create_key(database, name="page", scopes=READ)
    secret = credential.partition(".")[2]
    with database.connect() as connection:
        row = connection.execute(select(API_KEYS)).one()
    assert row.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(tuple(row))
    assert len(secret) >= 43  # 256 bits in base64


def test_it_refuses_a_name_that_a_live_key_has(database: Engine) -> None:
    first, _ = create_key(database, name="page", scopes=READ)
    with pytest.raises(CredentialError, match="a live key is named 'page' already"):
        create_key(database, name="page", scopes=READ)
    create_key(database, name="Page", scopes=READ)
    revoke_key(database, first.id)
    create_key(database, name="page", scopes=READ)
    assert [key.name for key in list_keys(database)] == ["page", "Page", "page"]


def test_it_frees_the_name_of_an_expired_key(database: Engine) -> None:
    first, _ = create_key(
        database, name="page", scopes=READ, expires_at=datetime.now(UTC) + timedelta(days=1)
    )
    with pytest.raises(CredentialError):
        create_key(database, name="page", scopes=READ)
    with database.begin() as connection:
        connection.execute(update(API_KEYS).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    second, _ = create_key(database, name="page", scopes=READ)
    now = datetime.now(UTC)
    assert {key.id: key.is_live(now) for key in list_keys(database)} == {first.id: False, second.id: True}


def test_it_gives_a_name_to_one_of_several_who_ask_at_once(database: Engine) -> None:
    made, refused = [], []

    def make() -> None:
        try:
            made.append(create_key(database, name="page", scopes=READ))
        except CredentialError as error:
            refused.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (1, 7)


def test_it_revokes_once_and_for_all(database: Engine) -> None:
    made, _ = create_key(database, name="page", scopes=READ)
    revoked = revoke_key(database, made.id)
    assert revoked.revoked_at is not None
    assert revoke_key(database, made.id) == revoked
    with pytest.raises(CredentialError, match="no key has the id or live name 'nobody'"):
        revoke_key(database, "nobody")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "name '': expected 1 to 100 printable characters"),
        ({"name": "a\nb"}, "printable"),
        ({"name": "x" * 101}, "expected 1 to 100"),
        ({"scopes": []}, "at least one scope of read, feedback, admin"),
        ({"scopes": ["write"]}, "scope 'write': expected one of read, feedback, admin"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "is past"),
        ({"expires_at": datetime(2031, 1, 1)}, "expected a time with its zone"),
    ],
)
def test_it_refuses_a_wrong_value(
    tmp_path_factory: pytest.TempPathFactory, change: dict[str, object], message: str
) -> None:
    from segue.database import migrate, open_engine

    url = f"sqlite:///{tmp_path_factory.mktemp('keys') / 'segue.db'}"
    migrate(url)
    engine = open_engine(url)
    with pytest.raises(CredentialError, match=message):
        create_key(engine, **{"name": "page", "scopes": READ, **change})  # type: ignore[arg-type]
    assert list_keys(engine) == []
