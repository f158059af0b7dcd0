"""HAProxy and nginx with the files of deploy/ in front of three nodes: what passes, what does not, and what is lost."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nodes import HOST, Caller, Load, Node, free_ports, make_certificate, make_store, wait_until

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def adapted(file, changes):
    """A shipped file with the addresses and paths of this run in place of those that stand there."""
    text = (DEPLOY / file).read_text()
    for written, here in changes:
        assert text.count(written) == 1, f"{file} should have this once: {written}"
        text = text.replace(written, here)
    return text


def start_haproxy(folder, port, nodes, certificate):
    changes = [("0.0.0.0:443", f"127.0.0.1:{port}"), ("/etc/haproxy/chancery.pem", str(certificate[2]))]
    for node, host in zip(nodes, ["10.0.0.11", "10.0.0.12", "10.0.0.13"]):
        changes.append((f"{host}:8080 check port 8081", f"127.0.0.1:{node.public} check port {node.admin}"))
    file = folder / "haproxy.cfg"
    file.write_text(adapted("haproxy/haproxy.cfg", changes))
    with open(folder / "haproxy.log", "w") as log:
        return subprocess.Popen(["haproxy", "-db", "-f", file], stdout=log, stderr=subprocess.STDOUT)


def start_nginx(folder, port, nodes, certificate):
    changes = [
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/nginx/chancery.crt", str(certificate[0])),
        ("/etc/nginx/chancery.key", str(certificate[1])),
        ("/var/log/nginx/chancery.log", str(folder / "nginx.log")),
        # One process of the test's own user needs places of its own for what it would put aside, and has one in all.
        ("    server_tokens off;\n", "    server_tokens off;\n" + own_places(folder)),
        ("worker_processes auto;", f"worker_processes 1; pid {folder / 'nginx.pid'};"),
    ]
    for node, host in zip(nodes, ["10.0.0.11", "10.0.0.12", "10.0.0.13"]):
        changes.append((f"server {host}:8080", f"server 127.0.0.1:{node.public}"))
    file = folder / "nginx.conf"
    file.write_text(adapted("nginx/nginx.conf", changes))
    own_process = "daemon off; master_process off;"
    with open(folder / "nginx.errors", "w") as log:
        return subprocess.Popen(["nginx", "-e", "stderr", "-c", file, "-g", own_process], stderr=log)


def own_places(folder):
    kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    return "".join(f"    {kind}_temp_path {folder / kind};\n" for kind in kinds)


def check_what_passes(caller, application, node):
    client_id, client_secret = application
    status, fields, body = caller.token(client_id, client_secret)
    assert status == 200, body
    token = json.loads(body)["access_token"]
    assert fields["X-Request-Id"] and fields["Cache-Control"] == "no-store", fields
    assert fields["Strict-Transport-Security"], "callers are told to stay with TLS"
    form = {"token": token, "client_id": client_id, "client_secret": client_secret}
    assert caller.ask("POST", "/oauth2/revoke", form)[0] == 200
    status, _, body = caller.ask("GET", "/.well-known/oauth-authorization-server")
    assert (status, json.loads(body)["issuer"]) == (200, f"https://{HOST}")
    assert caller.ask("GET", "/oauth2/jwks")[0] == 200
    status, fields, body = caller.token(client_id, "wrong")
    assert (status, body) == (401, b'{"error":"invalid_client"}'), body
    wait_until(lambda: explained(node, fields["X-Request-Id"]), "the refusal is explained under the id that the caller saw")
    # The tenant is found by Host: the proxy must not put another in its place.
    for host, wanted in [("other.example", 200), ("unknown.example", 421)]:
        status, _, body = caller.ask("GET", "/.well-known/oauth-authorization-server", fields={"Host": host})
        assert status == wanted and (wanted != 200 or json.loads(body)["issuer"] == f"https://{host}"), body
    # A long form is read whole, and one that is too long refused, whoever of the two does it.
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    for length, wanted in [(60_000, 200), (70_000, 413)]:
        status, _, body = caller.ask("POST", "/oauth2/token", {**form, "unknown": "x" * length})
        assert status == wanted, f"{length}: {status} {body}"


def explained(node, request_id):
    done = subprocess.run([os.environ["CHANCERY"], "explain", request_id], env=node.environment, capture_output=True)
    return done.returncode == 0


def check_what_is_secret(caller, folder):
    """Each log has the id of the answer, and nothing that a caller sent but the path."""
    sent = {"Authorization": "Basic aW4tdGhlOmhlYWRlcg=="}
    _, fields, _ = caller.ask("POST", "/oauth2/token?client_secret=in-the-query", {"client_secret": "in-the-body"}, sent)
    logs = [*folder.glob("*.log"), *folder.glob("nginx.errors")]
    wait_until(lambda: any(fields["X-Request-Id"] in log.read_text() for log in logs), "the log has the request's id")
    for log in logs:
        for secret in ["in-the-query", "in-the-body", "aW4tdGhlOmhlYWRlcg"]:
            assert secret not in log.read_text(), f"{secret} is in {log.name}"


def check_what_does_not_pass(caller):
    for path in ["/admin/v1/applications", "/admin/v1/openapi.json", "/health/live", "/health/ready", "/metrics"]:
        for spelling in [path, f"/oauth2/..{path}", f"//{path}", path.upper()]:
            status, _, body = caller.ask("GET", spelling)
            assert status in (400, 404) and b"openapi" not in body, f"{spelling}: {status} {body}"


def check_flood(caller, client_id):
    """Who guesses on and on is told to wait: soon by the server, which judges no more, and then by the proxy, which asks it no more."""
    by_server = 0
    for _ in range(3000):
        status, fields, _ = caller.token(client_id, "a guess", keep=True)
        if status == 429 and fields["Retry-After"] == "10":
            assert by_server > 0, "the server judged each of them"
            return
        by_server += status == 429
    raise AssertionError("3000 guesses in a row, and the proxy passed each on")


def check_rolling_update(load, nodes):
    """One node after the other is stopped and started again; nobody notices."""
    for node in nodes:
        assert node.stop() == 0, f"node {node.name} did not stop in order"
        load.wait_for_more()
        node.start()
        # As long as a proxy may leave a node out that it once failed at.
        time.sleep(1.5)
        load.wait_for_more()
    assert not load.lost, f"{len(load.lost)} of {load.got} lost: {load.lost[:3]}"
    return load.got


def check_killed_node(load, node):
    """A node that is killed takes what is in flight there with it, at most."""
    node.stop(signal.SIGKILL)
    for _ in range(10):
        load.wait_for_more()
    at_most = len(load.threads)
    node.start()
    load.wait_for_more()
    assert len(load.lost) <= at_most, f"{len(load.lost)} lost: {load.lost[:3]}"
    return len(load.lost)


def check_paused_node(load, node):
    """A node that stands still costs only what waits there; the others go on."""
    node.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(3)
        load.wait_for_more()
    finally:
        node.process.send_signal(signal.SIGCONT)
    load.wait_for_more()
    assert len(load.lost) <= len(load.threads), f"{len(load.lost)} lost: {load.lost[:3]}"


def check_proxy(name, start, folder, nodes, application, guessed):
    own = folder / name
    own.mkdir()
    certificate, (port,) = make_certificate(own), free_ports(1)
    proxy = start(own, port, nodes, certificate)
    try:
        caller = Caller(port, certificate[0])
        wait_until(lambda: answers(proxy, caller, own), f"{name} answers")
        check_what_passes(caller, application, nodes[0])
        check_what_does_not_pass(caller)
        check_what_is_secret(caller, own)
        with Load(port, certificate[0], application) as load:
            got = check_rolling_update(load, nodes)
        with Load(port, certificate[0], application) as load:
            lost = check_killed_node(load, nodes[0])
        with Load(port, certificate[0], application) as load:
            check_paused_node(load, nodes[1])
        if name == "haproxy":
            # The last: HAProxy counts it against all that comes from this address, and the nodes against this client id.
            check_flood(Caller(port, certificate[0]), guessed)
    finally:
        proxy.terminate()
        proxy.wait()
    print(f"ok {name}: {got} tokens during a rolling update, none lost; {lost} when a node was killed")


def answers(proxy, caller, folder):
    assert proxy.poll() is None, "".join(log.read_text() for log in folder.glob("*") if log.suffix in {".log", ".errors"})
    try:
        return caller.ask("GET", "/oauth2/jwks")[0] == 200
    except OSError:
        return False


def main():
    proxies = {"haproxy": start_haproxy, "nginx": start_nginx}
    wanted = sys.argv[1:] or list(proxies)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "master.key").write_text(os.urandom(32).hex())
        store = make_store(folder)
        nodes = [Node(name, folder, store) for name in ["one", "two", "three"]]
        nodes[0].run("scope", "add", "read")
        nodes[0].run("tenant", "set", "default", "--issuer", f"https://{HOST}", "--host", HOST)
        nodes[0].run("tenant", "add", "other", "--host", "other.example", "--issuer", "https://other.example")
        printed = nodes[0].run("app", "add", "--name", "Caller", "--scope", "read")
        application = (printed["client_id"], printed["client_secret"])
        guessed = nodes[0].run("app", "add", "--name", "Guessed", "--scope", "read")["client_id"]
        try:
            for node in nodes:
                node.start()
            for name in wanted:
                check_proxy(name, proxies[name], folder, nodes, application, guessed)
        finally:
            for node in nodes:
                if node.process and node.process.poll() is None:
                    node.stop()


main()
