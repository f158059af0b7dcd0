"""joserfc verifies tokens of both profiles, signed with every algorithm that it knows."""

import warnings

from joserfc import errors, jwt
from joserfc.jwk import KeySet
import requests

from common import ALGORITHMS, API, JWKS_URI, application, get_token, refused

# `EdDSA` is what most verifiers know; the newer name is `Ed25519` (RFC 9864).
warnings.filterwarnings("ignore", "EdDSA is deprecated")


def verify(token, keys, algorithm, issuer, audience):
    decoded = jwt.decode(token, keys, algorithms=[algorithm])
    wanted = {"iss": issuer, "aud": audience}
    registry = jwt.JWTClaimsRegistry(
        exp={"essential": True}, **{name: {"essential": True, "value": value} for name, value in wanted.items()}
    )
    registry.validate(decoded.claims)
    return decoded


def main():
    for algorithm in ALGORITHMS:
        name, host = algorithm.lower(), f"{algorithm.lower()}.example"
        document = requests.get(JWKS_URI, headers={"Host": host}, timeout=10).json()
        assert {key["alg"] for key in document["keys"]} == {algorithm}, document
        keys = KeySet.import_key_set(document)
        client_id, _ = application(name)
        for scope, audience, typ, granted in [
            ("read", client_id, "JWT", ["read"]),
            ("orders:read", API, "at+jwt", "orders:read"),
        ]:
            token = get_token(name, scope, host)
            decoded = verify(token, keys, algorithm, f"https://{host}", audience)
            assert (decoded.header["alg"], decoded.header["typ"]) == (algorithm, typ), decoded.header
            assert decoded.claims["sub"] == client_id and decoded.claims["scope"] == granted, decoded.claims
            refused(errors.InvalidClaimError, verify, token, keys, algorithm, f"https://{host}", "somebody else")
            head, payload, signature = token.split(".")
            # A letter in the middle of the signature, so that its length and its padding stay good.
            other = "A" if signature[40] != "A" else "B"
            tampered = f"{head}.{payload}.{signature[:40]}{other}{signature[41:]}"
            refused(errors.BadSignatureError, verify, tampered, keys, algorithm, f"https://{host}", audience)
    print(f"ok joserfc: both profiles with {', '.join(ALGORITHMS)}")


main()
