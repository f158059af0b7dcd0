"""Three nodes on one store, and those who call them."""

import atexit
import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import threading
import time
from urllib.parse import urlencode, urlsplit

CHANCERY = os.environ["CHANCERY"]
HOST = "id.example.com"
DEADLINE = 60


def free_ports(count):
    """Ports that nothing listens on, all different."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in taken]
    for listener in taken:
        listener.close()
    return ports


def make_store(folder):
    """The URL of a new store: a database where there is a PostgreSQL, else a file."""
    server = os.environ.get("CHANCERY_TEST_POSTGRES")
    if not server:
        return f"sqlite:{folder / 'data' / 'chancery.db'}"
    name = f"deploy_{secrets.token_hex(8)}"
    ask_database = lambda sql: subprocess.run(["psql", server, "-qc", sql], check=True)
    ask_database(f"CREATE DATABASE {name}")
    atexit.register(ask_database, f"DROP DATABASE {name} WITH (FORCE)")
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def wait_until(holds, what):
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, f"in {DEADLINE} s not: {what}"
        time.sleep(0.05)


def make_certificate(folder):
    """A certificate for HOST, alone and together with its key."""
    certificate, key, both = (folder / name for name in ["tls.crt", "tls.key", "tls.pem"])
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    both.write_text(certificate.read_text() + key.read_text())
    return certificate, key, both


class Node:
    """A server behind a proxy: plain HTTP, the default tenant's issuer is https."""

    def __init__(self, name, folder, store):
        self.name, self.folder, self.process = name, folder, None
        self.program, self.user = CHANCERY, None
        self.public, self.admin = free_ports(2)
        self.environment = {
            "PATH": os.environ["PATH"],
            "CHANCERY_STORE_URL": store,
            "CHANCERY_DATA": str(folder / "data"),
            "CHANCERY_KEYS_MASTER": f"file:{folder / 'master.key'}",
            "CHANCERY_ISSUER": f"https://{HOST}",
            "CHANCERY_LISTEN_PUBLIC": f"127.0.0.1:{self.public}",
            "CHANCERY_LISTEN_ADMIN": f"127.0.0.1:{self.admin}",
            "CHANCERY_LISTEN_BEHIND_PROXY": "true",
        }

    def start(self, **how):
        with open(self.folder / f"{self.name}.log", "a") as log:
            self.process = subprocess.Popen(
                [self.program, "serve"], env=self.environment, stderr=log, user=self.user, group=self.user, **how
            )
        wait_until(self.is_ready, f"node {self.name} is ready")

    def is_ready(self):
        assert self.process.poll() is None, f"ended with {self.process.poll()}: {self.log()}"
        try:
            return ask(self.admin, "GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def log(self):
        return (self.folder / f"{self.name}.log").read_text()

    def token(self, application):
        """What the node itself answers an application, as `app add` printed it."""
        form = {"grant_type": "client_credentials"} | {key: application[key] for key in ["client_id", "client_secret"]}
        fields = {"Content-Type": "application/x-www-form-urlencoded", "Host": HOST}
        return ask(self.public, "POST", "/oauth2/token", urlencode(form), fields)

    def administrate(self, path, token):
        return ask(self.admin, "GET", path, None, {"Authorization": f"Bearer {token}"})

    def stop(self, with_signal=signal.SIGTERM):
        """Ends the process and tells its exit status."""
        self.process.send_signal(with_signal)
        return self.process.wait(DEADLINE)

    def run(self, *arguments):
        """A command on the node's store."""
        done = subprocess.run(
            [self.program, "--output", "json", *arguments],
            env=self.environment, capture_output=True, text=True, check=False, user=self.user, group=self.user,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def ask(port, method, path, body=None, fields=None):
    """Asks a node without a proxy: status and JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.request(method, path, body, fields or {})
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")
    finally:
        connection.close()


class Caller:
    """Asks the proxy over TLS, which it verifies, and knows whose host it asks for."""

    def __init__(self, port, certificate):
        self.port, self.context = port, ssl.create_default_context(cafile=certificate)
        self.kept = None

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = http.client.HTTPConnection(HOST, timeout=DEADLINE)
        connection.sock = self.context.wrap_socket(raw, server_hostname=HOST)
        return connection

    def ask(self, method, path, form=None, fields=None, keep=False):
        """Status, header and body; on a connection of its own unless one is kept."""
        connection = self.kept or self.connect()
        self.kept = connection if keep else None
        fields = {**({"Content-Type": "application/x-www-form-urlencoded"} if form else {}), **(fields or {})}
        try:
            connection.request(method, path, urlencode(form) if form else None, fields)
            response = connection.getresponse()
            answer = response.status, response.headers, response.read()
        except BaseException:
            self.kept = None
            raise
        # A server that says that it closes is to be believed.
        if not keep or response.will_close:
            connection.close()
            self.kept = None
        return answer

    def token(self, client_id, client_secret, keep=False):
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        return self.ask("POST", "/oauth2/token", form, keep=keep)


class Load:
    """Callers that ask for tokens until told to stop: half of them on connections they keep."""

    def __init__(self, port, certificate, application, callers=8):
        self.stopped, self.got, self.lost = threading.Event(), 0, []
        self.lock, self.application = threading.Lock(), application
        ask = lambda keep: self.ask_until_stopped(Caller(port, certificate), keep)
        self.threads = [threading.Thread(target=ask, args=[number % 2 == 0]) for number in range(callers)]

    def ask_until_stopped(self, caller, keep):
        while not self.stopped.is_set():
            try:
                status, _, body = caller.token(*self.application, keep=keep)
                failure = None if status == 200 else f"{status} {body[:100]}"
            except (OSError, http.client.HTTPException) as error:
                failure = repr(error)
            with self.lock:
                self.got += failure is None
                self.lost += [failure] if failure else []
            # Some load, not all there is: what is asked here is what gets lost, not how fast it is.
            time.sleep(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for_more()
        return self

    def wait_for_more(self):
        """Until as many requests again were answered as there are callers, twice over."""
        with self.lock:
            wanted = self.got + len(self.lost) + 2 * len(self.threads)
        wait_until(lambda: self.got + len(self.lost) >= wanted, "requests are answered")

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
