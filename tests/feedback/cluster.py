"""A PostgreSQL of its own, from Debian's package, in a folder that is thrown away."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Cluster", "binaries", "cluster"]

_PASSWORD = "p%40ss"  # noqa: S105 - written as in a URL: p@ss


def binaries() -> Path | None:
    """Where ``initdb`` and ``pg_ctl`` are; Debian keeps them off the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    found = [folder for folder in folders if (folder / "initdb").exists()]
    return found[-1] if found else None


class Cluster:
    """A running server; :meth:`stop` and :meth:`start` it as often as wanted."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self._tools = tools
        self._data = folder / "data"
        # PostgreSQL refuses to run as root.
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        self._manners: dict[str, Any] = {"cwd": "/", "env": env}
        if os.getuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            owner = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._manners |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        secret = folder / "password"
        secret.write_text("p@ss")
        secret.chmod(0o644)
        words = (
            "--no-sync", "-A", "scram-sha-256", "-U", "mien", "-E", "UTF8", "--locale=C",
            "--pwfile", secret,
        )  # fmt: skip
        done = subprocess.run(
            [tools / "initdb", "-D", self._data, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **self._manners,
        )
        assert done.returncode == 0, done.stdout.decode()
        settings = {
            "listen_addresses": "'127.0.0.1'",
            "port": self.port,
            "unix_socket_directories": "''",
            "fsync": "off",
            "max_connections": 20,
        }
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{key} = {value}\n" for key, value in settings.items())
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://mien:{_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        # Our own child: pg_ctl would leave it to whoever is the first process here, and wait for
        # its end in vain where that one does not reap.
        self._process = subprocess.Popen(
            [self._tools / "postgres", "-D", self._data],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._manners,
        )
        asked = [self._tools / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        for _ in range(600):
            if subprocess.run(asked, **self._manners).returncode == 0:
                return
            assert self._process.poll() is None
            threading.Event().wait(0.1)
        raise TimeoutError("PostgreSQL did not start")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)  # sends everybody away
        self._process.wait(60)


@contextmanager
def cluster() -> Iterator[Cluster]:
    tools = binaries()
    assert tools is not None
    # Not in pytest's folder, which only its owner may look into.
    folder = Path(tempfile.mkdtemp(prefix="mien-postgres-"))
    folder.chmod(0o755)
    running = None
    try:
        running = Cluster(folder, tools)
        yield running
    finally:
        if running is not None:
            running.stop()
        shutil.rmtree(folder, ignore_errors=True)
