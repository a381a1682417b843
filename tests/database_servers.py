"""PostgreSQL and MariaDB for the tests marked live, each on a free port with its data in a temporary folder.

Both refuse to run as root, or give it up: run by root, they run as the users that Debian made for them.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from segue.database import migrate, open_engine
from tests.conftest import require
from tests.live_services import Server, free_port

PASSWORD = "only-for-tests-51ab"


@dataclass(kw_only=True)
class DatabaseServer(Server):
    """A database server.

    Attributes
    ----------
    admin_url
        Where a database can be made, by a user who may.
    """

    ready_url: str = ""
    admin_url: str
    stop_signal: signal.Signals = signal.SIGTERM

    def make_database(self) -> str:
        """Make an empty database; returns its URL."""
        name = f"segue_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.admin_url.rpartition("/")[0] + f"/{name}"

    def execute(self, statement: str) -> None:
        """Run a statement outside of any transaction."""
        engine = open_engine(self.admin_url)
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()

    def pause(self) -> None:
        """Let it hang: it keeps its connections, takes new ones, and answers nothing."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would, with the processes of its connections."""
        if self._process is not None:
            self._send(signal.SIGKILL)
        super().kill()

    def stop(self) -> None:
        """Ask it to end without waiting for who is connected."""
        self._end(self.stop_signal)

    def _send(self, what: signal.Signals) -> None:
        main = psutil.Process(self.pid)
        for process in (main, *main.children(recursive=True)):
            process.send_signal(what)

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except SQLAlchemyError:
            return False
        return True


def _as_user(name: str) -> list[str]:
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups"]


def _folder(owner: str) -> Path:
    # pytest's own folders can be entered by their owner alone
    folder = Path(tempfile.mkdtemp(prefix="segue-database-"))
    if os.getuid() == 0:
        shutil.chown(folder, owner, owner)
    return folder


def _find_postgres() -> Path | None:
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return debian[-1].parent if debian else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[DatabaseServer]:
    """A running PostgreSQL server; who kills it starts it again."""
    programs = _find_postgres()
    require(programs is not None, "PostgreSQL", "apt-get install postgresql")
    assert programs is not None
    folder, port = _folder("postgres"), free_port()
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    options = ["--no-sync", "--username=segue", "--auth=scram-sha-256", f"--pwfile={password}"]
    # a server in another language's alphabet must do too, so that no locale is relied on
    made = [str(programs / "initdb"), *options, "--encoding=UTF8", "--locale=C", "-D", str(folder / "data")]
    subprocess.run([*_as_user("postgres"), *made], check=True, capture_output=True, cwd=folder)
    settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(folder)}
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    server = DatabaseServer(
        command=[*_as_user("postgres"), str(programs / "postgres"), "-D", str(folder / "data"), *flags],
        log=folder / "server.log",
        admin_url=f"postgresql://segue:{PASSWORD}@127.0.0.1:{port}/postgres",
        stop_signal=signal.SIGINT,
    )
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[DatabaseServer]:
    """A running MariaDB server; who kills it starts it again."""
    program, installer = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    require(bool(program and installer), "MariaDB", "apt-get install mariadb-server")
    folder, port = _folder("mysql"), free_port()
    data = [f"--datadir={folder / 'data'}", *(["--user=mysql"] if os.getuid() == 0 else [])]
    made = [str(installer), "--no-defaults", *data, "--skip-test-db"]
    subprocess.run(made, check=True, capture_output=True, cwd=folder)
    start = folder / "start.sql"
    start.write_text(
        f"CREATE USER IF NOT EXISTS segue@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        "GRANT ALL ON *.* TO segue@'127.0.0.1';\n"
    )
    start.chmod(0o644)
    files = [f"--init-file={start}", f"--pid-file={folder / 'pid'}", f"--socket={folder / 'socket'}"]
    network = ["--bind-address=127.0.0.1", "--skip-name-resolve", f"--port={port}"]
    server = DatabaseServer(
        # a server that was set up for another alphabet must do too
        command=[str(program), "--no-defaults", *data, *network, *files, "--character-set-server=latin1"],
        log=folder / "server.log",
        admin_url=f"mariadb://segue:{PASSWORD}@127.0.0.1:{port}/mysql",
    )
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.live),
        pytest.param("mariadb", marks=pytest.mark.live),
    ]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind: SQLite always, the servers in the tests marked live."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'segue.db'}"
    server: DatabaseServer = request.getfixturevalue(request.param)
    return server.make_database()


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    """A database of each kind with the tables in it."""
    migrate(database_url)
    engine = open_engine(database_url)
    yield engine
    engine.dispose()
