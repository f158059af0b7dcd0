"""Verifies an access token on standard input with PyJWT and prints its claims.

usage: verify.py ISSUER AUDIENCE [TYP] < token
"""

import json
import sys

import jwt

ISSUER, AUDIENCE, TYP = (*sys.argv[1:], "at+jwt")[:3]

# What this resource server takes. A key is used only for the one of them that the key itself is for.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]

# Made once for the life of the process: it keeps the keys for their max-age, and fetches them again, at most every
# half minute, when a token names a key that it does not know.
KEYS = jwt.PyJWKClient(f"{ISSUER}/oauth2/jwks", lifespan=300, cooldown_duration=30, timeout=10)


def verify(token):
    """The claims of a token that may be relied on; jwt.PyJWTError otherwise."""
    key = KEYS.get_signing_key_from_jwt(token)
    if key.algorithm_name not in ALGORITHMS:
        raise jwt.InvalidAlgorithmError(f"its key is for {key.algorithm_name}")
    verified = jwt.decode_complete(
        token,
        key,
        algorithms=[key.algorithm_name],
        issuer=ISSUER,
        audience=AUDIENCE,
        options={"require": ["iss", "aud", "exp"]},
    )
    # RFC 9068 §4: an ID token or a logout token of the same issuer is no access token.
    if verified["header"].get("typ", "").lower().removeprefix("application/") != TYP.lower():
        raise jwt.InvalidTokenError("it is another type of token")
    return verified["payload"]


try:
    print(json.dumps(verify(sys.stdin.read().strip())))
except jwt.PyJWTError as error:
    sys.exit(f"refused: {error}")
