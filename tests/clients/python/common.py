"""What every client here is told, and what every token must be."""

import json
import os
from pathlib import Path
from urllib.parse import quote_plus

ISSUER = os.environ["ISSUER"]
TOKEN_ENDPOINT = f"{ISSUER}/oauth2/token"
JWKS_URI = f"{ISSUER}/oauth2/jwks"


def application(name):
    """The id and the secret of an application, as `chancery app add` printed them."""
    printed = json.loads((Path(os.environ["FOLDER"]) / f"{name}.json").read_text())
    return printed["client_id"], printed["client_secret"]


def for_basic(pair):
    """RFC 6749 §2.3.1: form-encoded before HTTP Basic, which these libraries leave to their caller."""
    return tuple(quote_plus(part) for part in pair)


def check_answer(answer, scope):
    assert answer["token_type"] == "Bearer" and answer["scope"] == scope, answer
    assert 0 < answer["expires_in"] < 300 and "refresh_token" not in answer, answer


def check_claims(claims, client_id, scopes):
    assert claims["sub"] == claims["aud"] == client_id and claims["scope"] == scopes, claims
    assert claims["iss"] == ISSUER and claims["exp"] == claims["iat"] + 300, claims


def refused(error, call, *arguments, **named):
    """Calls something that must raise the library's own error, and returns that."""
    try:
        answer = call(*arguments, **named)
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised: {answer}")
