"""What every client here is told, and what every token must be."""

import json
import os
from pathlib import Path
from urllib.parse import quote_plus

import requests

ISSUER = os.environ["ISSUER"]
TOKEN_ENDPOINT = f"{ISSUER}/oauth2/token"
JWKS_URI = f"{ISSUER}/oauth2/jwks"
API = "https://api.example.com/orders"

# What these libraries know. ML-DSA is too new for them.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]


def application(name):
    """The id and the secret of an application, as `chancery app add` printed them."""
    printed = json.loads((Path(os.environ["FOLDER"]) / f"{name}.json").read_text())
    return printed["client_id"], printed["client_secret"]


def get_token(name, scope, host=None):
    """A token for one of the applications; `host` says whose tenant is meant."""
    client_id, client_secret = application(name)
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret, "scope": scope}
    fields = {"Host": host} if host else {}
    response = requests.post(TOKEN_ENDPOINT, data=form, headers=fields, timeout=10)
    assert response.status_code == 200, response.text
    return response.json()["access_token"]


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
