"""A program as it is written for the reference service: four form parameters to /oauth2/token, nothing else known.

Only the address it connects to is another; even the host it names is the reference's.
"""

import base64
import json

import requests

from common import ISSUER, application

HOST = "sample.portal.tencentciam.com"


def post(**parameters):
    return requests.post(f"{ISSUER}/oauth2/token", data=parameters, headers={"Host": HOST}, timeout=10)


def part(token, number):
    text = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def main():
    client_id, client_secret = application("sample")
    request = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": "identity_proofing",
    }
    # Now and then a second ends while the token is made, and 298 are left.
    responses = (post(**request) for _ in range(5))
    response = next(response for response in responses if response.json().get("expires_in") != 298)
    answer = response.json()
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json;charset=UTF-8")
    assert list(answer) == ["access_token", "scope", "token_type", "expires_in"], answer
    assert list(answer.values())[1:] == ["identity_proofing", "Bearer", 299], answer

    header, claims = part(answer["access_token"], 0), part(answer["access_token"], 1)
    assert list(header) == ["kid", "typ", "alg"] and (header["typ"], header["alg"]) == ("JWT", "RS256"), header
    assert list(claims) == ["sub", "aud", "nbf", "scope", "iss", "exp", "iat", "jti"], claims
    assert claims["sub"] == claims["aud"] == client_id and claims["scope"] == ["identity_proofing"], claims
    assert claims["iss"] == f"https://{HOST}", claims
    assert claims["nbf"] == claims["iat"] == claims["exp"] - 300, claims

    for change, status, error in [
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"scope": "identity_proofing admin"}, 400, "invalid_scope"),
    ]:
        response = post(**{**request, **change})
        assert (response.status_code, response.json()["error"]) == (status, error), response.text
        assert response.headers["Content-Type"] == "application/json;charset=UTF-8", response.headers
    assert response.json().keys() >= {"error"}
    assert post(**request, extra="ignored").status_code == 200
    print("ok a Python program written for the reference service")


main()
