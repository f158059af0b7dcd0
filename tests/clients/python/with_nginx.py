"""nginx asks the introspection endpoint whose token it is, as docs/verify/nginx shows, and lets in who may."""

import base64
import os
import shutil
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from common import ISSUER, application, for_basic, get_token

RECIPE = Path(__file__).resolve().parents[3] / "docs" / "verify" / "nginx"
CHALLENGE = 'Bearer realm="orders"'


class Orders(BaseHTTPRequestHandler):
    """The API behind nginx: it answers what it was told of the caller."""

    def do_GET(self):
        told = f"{self.headers.get('X-Caller')} {self.headers.get('Authorization')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_):
        pass


def configure(folder, listen, orders):
    """The recipe with the addresses and the secret of this run."""
    text = (RECIPE / "nginx.conf").read_text()
    for written, here in [
        ("127.0.0.1:8080", ISSUER.removeprefix("http://")),
        ("id.example.com", ISSUER.removeprefix("http://")),
        ("127.0.0.1:9000", f"127.0.0.1:{orders}"),
        ("127.0.0.1:8090", f"127.0.0.1:{listen}"),
    ]:
        assert written in text, written
        text = text.replace(written, here)
    kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    places = "".join(f"    {kind}_temp_path {folder / kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(text.replace("http {\n", "http {\n" + places, 1))
    shutil.copy(RECIPE / "introspect.js", folder)
    pair = ":".join(for_basic(application("gateway"))).encode()
    value = f"Basic {base64.b64encode(pair).decode()}"
    (folder / "credentials.conf").write_text(f'proxy_set_header Authorization "{value}";\n')


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(port, process):
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            assert process.poll() is None, "nginx did not start"
            time.sleep(0.05)


def ask(url, authorization=None):
    fields = {"X-Caller": "somebody else", **({"Authorization": authorization} if authorization else {})}
    response = requests.get(url, headers=fields, timeout=30)
    return response.status_code, response.headers.get("WWW-Authenticate"), response.text


def check(url):
    token = get_token("reader", "orders:read")
    for scheme in ["Bearer", "bearer"]:
        assert ask(url, f"{scheme} {token}") == (200, None, f"{application('reader')[0]} None")
    refused = lambda *arguments: ask(url, *arguments)[:2]
    assert refused() == refused("Basic YTpi") == (401, CHALLENGE)
    for bad in [
        "Bearer",
        "Bearer x&token=" + token,
        f"Bearer {token[:-8]}AAAAAAAA",
        f"Bearer {get_token('plain', 'read')}",
        # Introspection tells the gateway of its own tokens too, which are for somebody else.
        f"Bearer {get_token('gateway', 'read')}",
    ]:
        assert refused(bad) == (401, f'{CHALLENGE}, error="invalid_token"'), bad
    insufficient = (403, f'{CHALLENGE}, error="insufficient_scope", scope="orders:read"')
    assert refused(f"Bearer {get_token('writer', 'orders:write')}") == insufficient
    client_id, client_secret = application("reader")
    form = {"token": token, "client_id": client_id, "client_secret": client_secret}
    assert requests.post(f"{ISSUER}/oauth2/revoke", data=form, timeout=10).status_code == 200
    assert refused(f"Bearer {token}") == (401, f'{CHALLENGE}, error="invalid_token"'), "a token that was revoked"
    # What is inside is nobody's to ask from outside.
    for inner in ["/authorize", "/introspect"]:
        assert requests.get(url.replace("/orders", inner), timeout=30).status_code == 404, inner


def main():
    folder, port = Path(os.environ["FOLDER"]) / "nginx", free_port()
    folder.mkdir()
    orders = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    threading.Thread(target=orders.serve_forever, daemon=True).start()
    configure(folder, port, orders.server_port)
    # One process, so that it needs no other user and is ended with its own id.
    main_settings = f"daemon off; master_process off; pid {folder / 'pid'};"
    process = subprocess.Popen(["nginx", "-e", "stderr", "-c", folder / "nginx.conf", "-g", main_settings])
    try:
        wait_for(port, process)
        check(f"http://127.0.0.1:{port}/orders")
    finally:
        process.terminate()
        process.wait()
    print("ok nginx and its auth_request against introspection: who may comes in, who may not is told why")


main()
