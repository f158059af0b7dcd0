"""Authlib gets tokens, joserfc verifies them."""

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import errors, jwt
from joserfc.jwk import KeySet
import requests

from common import ISSUER, JWKS_URI, TOKEN_ENDPOINT, application, check_answer, check_claims, for_basic, refused

KEYS = KeySet.import_key_set(requests.get(JWKS_URI, timeout=10).json())


def fetch(pair, method, scope="write read"):
    session = OAuth2Session(*pair, scope=scope, token_endpoint_auth_method=method)
    return session.fetch_token(TOKEN_ENDPOINT, grant_type="client_credentials")


def verify(token, audience, **more):
    decoded = jwt.decode(token, KEYS, algorithms=["RS256"])
    wanted = {"iss": ISSUER, "aud": audience}
    registry = jwt.JWTClaimsRegistry(
        **more, exp={"essential": True}, **{name: {"essential": True, "value": value} for name, value in wanted.items()}
    )
    registry.validate(decoded.claims)
    return decoded.claims


def main():
    plain, awkward = application("plain"), application("awkward")
    for client_id, pair, method in [
        (plain[0], plain, "client_secret_basic"),
        (plain[0], plain, "client_secret_post"),
        (awkward[0], for_basic(awkward), "client_secret_basic"),
        (awkward[0], awkward, "client_secret_post"),
    ]:
        answer = fetch(pair, method)
        check_answer(answer, "write read")
        claims = verify(answer["access_token"], client_id)
        check_claims(claims, client_id, ["write", "read"])
        refused(errors.InvalidClaimError, verify, answer["access_token"], "somebody else")
        refused(errors.ExpiredTokenError, verify, answer["access_token"], client_id, now=claims["exp"] + 1)
        refused(errors.BadSignatureError, verify, answer["access_token"][:-8] + "AAAAAAAA", client_id)
        wrong = (pair[0], pair[1] + "x")
        assert refused(OAuthError, fetch, wrong, method).error == "invalid_client"
        assert refused(OAuthError, fetch, pair, method, "read admin").error == "invalid_scope"
    # The pair as it is, not form-encoded, is another pair.
    assert refused(OAuthError, fetch, awkward, "client_secret_basic").error == "invalid_client"
    print("ok Authlib and joserfc: client_secret_basic, client_secret_post, refusals")


main()
