"""joserfc and jose verify tokens from before and after a rotation, of both profiles and with every algorithm.

A new key waits minutes before it signs. Here its time passes at once: the store is told that the key is an hour old.
"""

import json
import os
import sqlite3
import subprocess
import time
import warnings
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import KeySet
import requests

from common import ALGORITHMS, API, JWKS_URI, application, get_token

FOLDER = Path(os.environ["FOLDER"])
CLIENTS = Path(__file__).resolve().parent.parent
HOUR = 60 * 60 * 1000

# `EdDSA` is what most verifiers know; the newer name is `Ed25519` (RFC 9864).
warnings.filterwarnings("ignore", "EdDSA is deprecated")


def until(what, ask, seconds=60):
    """The first answer that counts as true."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.1)
    return answer


class Rotating:
    """A tenant whose key rotates."""

    def __init__(self, algorithm):
        self.algorithm, self.name = algorithm, algorithm.lower()
        self.host = f"{self.name}.example"
        self.former = self.kid(self.tokens()[0])

    def tokens(self):
        """One of each profile, with its audience."""
        scopes = {"read": application(self.name)[0], "orders:read": API}
        return [{"token": get_token(self.name, scope, self.host), "audience": scopes[scope]} for scope in scopes]

    def kid(self, made):
        return jwt.decode(made["token"], self.keys(self.jwks()), algorithms=[self.algorithm]).header["kid"]

    def jwks(self):
        return requests.get(JWKS_URI, headers={"Host": self.host}, timeout=10).json()

    def keys(self, document):
        return KeySet.import_key_set(document)

    def kids(self):
        return {key["kid"] for key in self.jwks()["keys"]}

    def rotate(self):
        """The new key is published, and does not sign yet. This is when a verifier fetches the keys."""
        command = [os.environ["CHANCERY"], "--data", FOLDER / "data", "--tenant", self.name, "key", "rotate"]
        subprocess.run(command, check=True, capture_output=True)
        published = until("the new key is published", lambda: self.kids() - {self.former})
        self.cached, self.before, [self.next] = self.jwks(), self.tokens(), published
        assert {self.kid(made) for made in self.before} == {self.former}, "the new key signs too early"

    def change_over(self):
        until(f"{self.next} signs", lambda: self.kid(self.tokens()[0]) == self.next)
        self.after, self.current = self.tokens(), self.jwks()
        assert {self.former, self.next} <= self.kids(), "the former key went too early"

    def verify(self):
        for document in [self.cached, self.current]:
            for made in self.before + self.after:
                claims = jwt.decode(made["token"], self.keys(document), algorithms=[self.algorithm]).claims
                wanted = {"iss": f"https://{self.host}", "aud": made["audience"]}
                options = {name: {"essential": True, "value": value} for name, value in wanted.items()}
                jwt.JWTClaimsRegistry(exp={"essential": True}, **options).validate(claims)

    def told(self):
        """What the other verifier has to know."""
        told = {"algorithm": self.algorithm, "issuer": f"https://{self.host}"}
        return {**told, "documents": [self.cached, self.current], "tokens": self.before + self.after}


def let_time_pass():
    with sqlite3.connect(FOLDER / "data" / "chancery.db", timeout=10) as store:
        upcoming = "UPDATE signing_key SET created_at = created_at - ?1, state_since = state_since - ?1 WHERE state = ?2"
        assert store.execute(upcoming, (HOUR, "upcoming")).rowcount == len(ALGORITHMS)
        store.execute("INSERT INTO change (tenant_id) SELECT id FROM tenant")
    store.close()


def main():
    tenants = [Rotating(algorithm) for algorithm in ALGORITHMS]
    for tenant in tenants:
        tenant.rotate()
    let_time_pass()
    for tenant in tenants:
        tenant.change_over()
        tenant.verify()
    told = json.dumps([tenant.told() for tenant in tenants])
    node = ["node", "--import", CLIENTS / "node" / "webcrypto.mjs", CLIENTS / "node" / "verify_rotated.mjs"]
    subprocess.run(node, input=told, text=True, check=True)
    print("ok joserfc: tokens across a rotation, with the keys from before and after the change")


main()
