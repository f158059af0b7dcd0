"""A stand-in for an issuer, whose keys are ours: it signs what Chancery never would, to see verifiers refuse it.

Nothing of Chancery is tried here. The keys, the signatures and the JWKS are made by joserfc and cryptography.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from common import API

# `EdDSA` is what most verifiers know; the newer name is `Ed25519` (RFC 9864).
warnings.filterwarnings("ignore", "EdDSA is deprecated")

KINDS = {
    "RS256": lambda: RSAKey.generate_key(2048),
    "PS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "ES384": lambda: ECKey.generate_key("P-384"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
}


def encode(data):
    text = json.dumps(data).encode() if isinstance(data, dict) else data
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


class StandIn:
    """The issuer: its metadata and JWKS on loopback, and tokens."""

    def __init__(self):
        self.keys = {algorithm: make() for algorithm, make in KINDS.items()}
        self.asked_for_keys = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handler(stand_in):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path == "/oauth2/jwks":
                    stand_in.asked_for_keys += 1
                    answer = {"keys": [stand_in.jwk(kid) for kid in stand_in.keys]}
                else:
                    endpoints = {"token_endpoint": "/oauth2/token", "jwks_uri": "/oauth2/jwks"}
                    answer = {name: stand_in.issuer + path for name, path in endpoints.items()}
                    answer["issuer"] = stand_in.issuer
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def jwk(self, kid):
        """The algorithm is the kid's beginning: `RS256-2` is another key for RS256."""
        return {**self.keys[kid].as_dict(private=False), "kid": kid, "use": "sig", "alg": kid.split("-")[0]}

    def claims(self, **change):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": API, "sub": "a", "iat": now, "exp": now + 300, "scope": "orders:read"}
        return {name: value for name, value in {**claims, **change}.items() if value is not None}

    def token(self, kid, header={}, key=None, **claims):
        """A token by one of the keys; `header` and `claims` change what would be in it, None takes it out."""
        header = {"alg": kid.split("-")[0], "kid": kid, "typ": "at+jwt", **header}
        header = {name: value for name, value in header.items() if value is not None}
        payload = json.dumps(self.claims(**claims)).encode()
        if header["alg"] != "RS256":
            return jws.serialize_compact(header, payload, key or self.keys[kid], algorithms=[header["alg"]])
        # By hand, since the library refuses to make some of what is wanted.
        signed = f"{encode(header)}.{encode(payload)}"
        private = (key or self.keys[kid]).private_key
        return f"{signed}.{encode(private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def good(self):
        """Tokens that every verifier has to take, each with what it is."""
        for kid in self.keys:
            yield kid, self.token(kid)
        yield "RS256: one of several audiences", self.token("RS256", aud=["https://other.example", API])
        yield "RS256: typ in full", self.token("RS256", {"typ": "application/at+jwt"})
        yield "RS256: typ in capitals", self.token("RS256", {"typ": "AT+JWT"})
        yield "RS256: valid since a minute", self.token("RS256", nbf=int(time.time()) - 60)

    def bad(self):
        """Tokens that every verifier has to refuse, each with why."""
        now = int(time.time())
        for why, claims in {
            "expired": {"exp": now - 1},
            "no expiry": {"exp": None},
            "not valid yet": {"nbf": now + 120},
            "another issuer": {"iss": self.issuer + "/"},
            "no issuer": {"iss": None},
            "another audience": {"aud": API + "/"},
            "other audiences": {"aud": ["https://other.example"]},
            "no audience": {"aud": None},
        }.items():
            yield why, self.token("RS256", **claims)
        for why, header in {
            "another type": {"typ": "logout+jwt"},
            "an ID token": {"typ": "JWT"},
            "no type": {"typ": None},
            "no kid": {"kid": None},
            "the kid of another key": {"kid": "PS256"},
            "an unknown extension": {"crit": ["unknown"], "unknown": 1},
            "an unknown kid": {"kid": "unknown"},
        }.items():
            yield why, self.token("RS256", header)
        yield "a stranger's key", self.token("RS256", key=RSAKey.generate_key(2048))
        yield "not the key's algorithm", self.token("RS256", {"alg": "PS256"})
        head, payload, signature = self.token("RS256").split(".")
        yield "other claims", f"{head}.{encode(self.claims(scope='orders:write'))}.{signature}"
        yield "no signature", f"{head}.{payload}."
        yield "two parts", f"{head}.{payload}"
        none = encode({"alg": "none", "kid": "RS256", "typ": "at+jwt"})
        yield "none", f"{none}.{payload}."
        public = self.keys["RS256"].public_key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        signed = f"{encode({'alg': 'HS256', 'kid': 'RS256', 'typ': 'at+jwt'})}.{payload}"
        yield "HMAC with the public key", f"{signed}.{encode(hmac.digest(public, signed.encode(), hashlib.sha256))}"
