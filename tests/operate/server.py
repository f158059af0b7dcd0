"""A PostgreSQL as a distribution sets one up: a superuser `postgres`, and nothing in it."""

import os
import secrets
import shutil
import socket
import subprocess
from pathlib import Path


def has_programs():
    return programs() is not None


def programs():
    """Where the newest of Debian's are, or those in PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    named = shutil.which("initdb")
    return found[-1] if found else Path(named).parent if named else None


def as_postgres(*command, **how):
    """It does not run as root."""
    before = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    return subprocess.run([*before, *map(str, command)], check=True, capture_output=True, text=True, **how)


class Server:
    """One that runs until the end of the block."""

    def __init__(self, folder):
        self.folder, self.programs, self.given = folder, programs(), set()
        self.port, self.password = self.free_port(), secrets.token_hex(16)

    def free_port(self):
        """One that nothing listens on, and that was not given to anybody before."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        if port in self.given:
            return self.free_port()
        self.given.add(port)
        return port

    def free_run(self, count):
        """The first of some ports in a row that nothing listens on."""
        while True:
            first = 20000 + secrets.randbelow(10000)
            try:
                for port in range(first, first + count):
                    socket.create_server(("127.0.0.1", port)).close()
                return first
            except OSError:
                pass

    def __enter__(self):
        self.folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        write_password = 'umask 077; printf %s "$1" >"$2"'
        as_postgres("sh", "-c", write_password, "-", self.password, self.folder / "password", cwd="/")
        options = ["-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "scram-sha-256", f"--pwfile={self.folder}/password"]
        as_postgres(self.programs / "initdb", "-D", self.folder / "data", "--no-sync", *options, cwd="/")
        started = f"-p {self.port} -h localhost -k {self.folder} -c fsync=off"
        log = self.folder / "data" / "log"
        control(self.programs, "start", self.folder / "data", "-l", log, "-o", started)
        return self

    def __exit__(self, *_):
        control(self.programs, "stop", self.folder / "data", "-m", "immediate")

    def variables(self):
        """For psql and the like."""
        return {"PGHOST": "localhost", "PGPORT": str(self.port), "PGUSER": "postgres", "PGPASSWORD": self.password}

    def create_database(self, name):
        """Makes an empty one; its URL."""
        environment = os.environ | self.variables()
        subprocess.run([self.programs / "createdb", name], check=True, env=environment)
        return f"postgres://postgres:{self.password}@localhost:{self.port}/{name}"


def control(where, deed, data, *options):
    # Its output goes nowhere: what is started inherits it and would keep a reader waiting.
    before = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*before, str(where / "pg_ctl"), deed, "-w", "-s", "-D", str(data), *map(str, options)]
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)


def leftover_servers(folder, server):
    """Ends servers that a page started and did not come to stop."""
    for file in folder.rglob("postmaster.pid"):
        control(server.programs, "stop", file.parent, "-m", "immediate")
