"""requests-oauthlib gets tokens, PyJWT verifies them."""

import os

import jwt
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidScopeError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from common import ISSUER, JWKS_URI, TOKEN_ENDPOINT, application, check_answer, check_claims, for_basic, refused

# Loopback is as good as TLS.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
KEYS = jwt.PyJWKClient(JWKS_URI)


def by_basic(pair, scope):
    session = OAuth2Session(client=BackendApplicationClient(client_id=pair[0], scope=scope))
    return session.fetch_token(TOKEN_ENDPOINT, auth=HTTPBasicAuth(*pair))


def by_post(pair, scope):
    session = OAuth2Session(client=BackendApplicationClient(client_id=pair[0], scope=scope))
    return session.fetch_token(TOKEN_ENDPOINT, include_client_id=True, client_secret=pair[1])


def verify(token, audience):
    key = KEYS.get_signing_key_from_jwt(token)
    required = {"require": ["exp", "iat", "nbf", "iss", "aud", "sub", "jti"]}
    return jwt.decode(token, key, algorithms=["RS256"], issuer=ISSUER, audience=audience, options=required)


def main():
    plain, awkward = application("plain"), application("awkward")
    for client_id, pair, fetch in [
        (plain[0], plain, by_basic),
        (plain[0], plain, by_post),
        (awkward[0], for_basic(awkward), by_basic),
        (awkward[0], awkward, by_post),
    ]:
        answer = fetch(pair, ["read"])
        answer["scope"] = " ".join(answer["scope"])
        check_answer(answer, "read")
        check_claims(verify(answer["access_token"], client_id), client_id, ["read"])
        refused(jwt.InvalidAudienceError, verify, answer["access_token"], "somebody else")
        refused(jwt.InvalidSignatureError, verify, answer["access_token"][:-8] + "AAAAAAAA", client_id)
        refused(InvalidClientError, fetch, (pair[0], pair[1] + "x"), ["read"])
        refused(InvalidScopeError, fetch, pair, ["admin"])
    refused(InvalidClientError, by_basic, awkward, ["read"])
    print("ok requests-oauthlib and PyJWT: Basic, credentials in the body, refusals")


main()
