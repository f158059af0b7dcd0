"""Authlib with Flask as its documentation has it, with one client that gets access tokens in the format of RFC 9068 by the
client credentials grant. The client's id, secret and scope are in the environment."""

import os

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask
from joserfc.jwk import RSAKey

KEY = RSAKey.generate_key(2048, parameters={"use": "sig", "alg": "RS256", "kid": "bench"})


class Client(ClientMixin):
    client_id = os.environ["PEER_CLIENT_ID"]
    client_secret = os.environ["PEER_CLIENT_SECRET"]
    scope = os.environ["PEER_SCOPE"]

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return scope if scope == self.scope else ""

    def check_client_secret(self, client_secret):
        return client_secret == self.client_secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_post"

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


class Grant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post"]


class Generator(JWTBearerTokenGenerator):
    def get_jwks(self):
        return KEY


CLIENT = Client()
app = Flask(__name__)
server = AuthorizationServer(
    app,
    query_client=lambda client_id: CLIENT if client_id == CLIENT.client_id else None,
    # A token that verifies by itself need not be kept.
    save_token=lambda token, request: None,
)
server.register_grant(Grant)
server.register_token_generator(
    "default", Generator(issuer="http://localhost", expires_generator=lambda client, grant_type: 300)
)


@app.post("/token")
def token():
    return server.create_token_response()
