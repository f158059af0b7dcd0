"""The resource server in examples/ takes good tokens and refuses all others as RFC 6750 asks."""

import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import requests

from common import API, ISSUER, get_token
from stand_in import KINDS, StandIn

BINARY = Path(__file__).resolve().parents[3] / "target" / "debug" / "examples" / "resource_server"
CHALLENGE = 'Bearer realm="orders"'


@contextmanager
def resource_server(issuer):
    process = subprocess.Popen([BINARY, issuer, API, "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith("listens on "), line
        yield f"http://{line.split()[-1]}/orders"
    finally:
        process.kill()
        process.wait()


def ask(url, authorization=None, method="GET"):
    fields = {"Authorization": authorization} if authorization is not None else {}
    response = requests.request(method, url, headers=fields, timeout=30)
    return response.status_code, response.headers.get("WWW-Authenticate")


def with_tokens_of_chancery():
    invalid = (401, f'{CHALLENGE}, error="invalid_token"')
    with resource_server(ISSUER) as url:
        reader, writer = (f"Bearer {get_token(name, '')}" for name in ("reader", "writer"))
        assert ask(url, reader) == ask(url, writer) == (200, None)
        assert ask(url, reader.replace("Bearer", "bearer")) == (200, None)
        assert ask(url, writer, "POST") == (201, None)
        insufficient = (403, f'{CHALLENGE}, error="insufficient_scope", scope="orders:write"')
        assert ask(url, reader, "POST") == insufficient
        assert ask(url) == ask(url, "Basic YTpi") == (401, CHALLENGE)
        assert ask(url, "Bearer ") == ask(url, "Bearer") == (400, f'{CHALLENGE}, error="invalid_request"')
        assert ask(url, "Bearer x") == ask(url, f"Bearer {get_token('plain', 'read')}") == invalid


def with_tokens_of_a_stand_in():
    invalid = (401, f'{CHALLENGE}, error="invalid_token"')
    stand_in = StandIn()
    with resource_server(stand_in.issuer) as url:
        for kind, token in stand_in.good():
            assert ask(url, f"Bearer {token}") == (200, None), kind
        first = time.monotonic()
        stand_in.keys["ES256-2"] = KINDS["ES256"]()
        for why, token in stand_in.bad():
            assert ask(url, f"Bearer {token}") == invalid, why
        # Unknown keys make it ask again, but seldom; then it finds the new one.
        unknown, new = (f"Bearer {stand_in.token(*key)}" for key in [("RS256", {"kid": "unknown"}), ("ES256-2",)])
        while ask(url, new) != (200, None):
            assert time.monotonic() < first + 20, "the new key was never found"
            assert ask(url, unknown) == invalid
            time.sleep(0.1)
        asked = stand_in.asked_for_keys
        assert 2 <= asked <= 1 + (time.monotonic() - first + 1) / 10 + 1, asked
        for _ in range(20):
            assert ask(url, unknown) == invalid
        assert stand_in.asked_for_keys == asked


def main():
    with_tokens_of_chancery()
    with_tokens_of_a_stand_in()
    print("ok the resource server of examples/: good tokens, bad tokens, keys fetched again but seldom")


main()
