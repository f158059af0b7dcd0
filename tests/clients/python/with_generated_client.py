"""A client that openapi-python-client generates from the OpenAPI document goes through a whole life cycle.

Nothing here knows a path or a member but through what was generated.
"""

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path

import requests

from common import ISSUER, TOKEN_ENDPOINT, get_token

ADMIN = os.environ["ADMIN"]
FOLDER = Path(os.environ["FOLDER"])

GENERATED = FOLDER / "generated"


def generate():
    """Makes the client; a warning about a part that is missing is a defect of the document."""
    command = ["openapi-python-client", "generate", "--url", f"{ADMIN}/admin/v1/openapi.json"]
    command += ["--output-path", GENERATED / "administration", "--meta", "none"]
    command[0] = Path(sys.executable).parent / command[0]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0 and "WARNING" not in made.stdout, made.stdout + made.stderr


def call(module, operation, **arguments):
    """The parsed answer of an operation, and its response."""
    function = importlib.import_module(f"administration.api.{module}.{operation}")
    response = function.sync_detailed(client=CLIENT, **arguments)
    return response.parsed, response


def model(name, members):
    return getattr(importlib.import_module("administration.models"), name).from_dict(members)


def token_status(client_id, client_secret):
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return requests.post(TOKEN_ENDPOINT, data=form, timeout=10).status_code


def within_a_second(ask, wanted):
    """A running server acts on a change within one second."""
    end = time.monotonic() + 5
    while (answer := ask()) != wanted:
        assert time.monotonic() < end, answer
        time.sleep(0.05)


generate()
sys.path.insert(0, str(GENERATED))
from administration.client import AuthenticatedClient  # noqa: E402

CLIENT = AuthenticatedClient(base_url=ADMIN, token=get_token("administrator", "admin:write"))

scope, made = call("scopes", "add_scope", body=model("AddScope", {"name": "generated:read"}))
assert made.status_code == 201 and scope.name == "generated:read", made
application, made = call(
    "applications",
    "add_application",
    body=model("AddApplication", {"name": "Generated", "scopes": ["generated:read"], "token_lifetime": 120}),
    idempotency_key="generated-1",
)
assert made.status_code == 201 and application.client_secret.startswith("chy_"), made
again, _ = call(
    "applications",
    "add_application",
    body=model("AddApplication", {"name": "Generated", "scopes": ["generated:read"], "token_lifetime": 120}),
    idempotency_key="generated-1",
)
assert again == application, again
first = (application.client_id, application.client_secret)
within_a_second(lambda: token_status(*first), 200)

shown, response = call("applications", "get_application", client_id=application.client_id)
tag = response.headers["etag"]
changed, response = call(
    "applications",
    "change_application",
    client_id=application.client_id,
    if_match=tag,
    body=model("ChangeApplication", {"name": "Generated anew", "default_scopes": []}),
)
assert (changed.name, changed.scopes, changed.version) == ("Generated anew", ["generated:read"], shown.version + 1)
_, late = call(
    "applications",
    "change_application",
    client_id=application.client_id,
    if_match=tag,
    body=model("ChangeApplication", {"name": "Too late"}),
)
assert late.status_code == 412, late

secret, made = call(
    "applications", "add_secret", client_id=application.client_id, body=model("AddSecret", {"label": "second"})
)
second = (application.client_id, secret.client_secret)
within_a_second(lambda: token_status(*second), 200)
page, _ = call("applications", "list_secrets", client_id=application.client_id)
old = next(one.id for one in page.items if one.id != secret.id)
_, gone = call("applications", "remove_secret", client_id=application.client_id, id=old)
assert gone.status_code == 204, gone
within_a_second(lambda: token_status(*first), 401)
assert token_status(*second) == 200

seen, cursor = [], None
while True:
    page, _ = call("applications", "list_applications", limit=3, **({"cursor": cursor} if cursor else {}))
    seen += [one.client_id for one in page.items]
    cursor = page.next_
    if not cursor:
        break
assert application.client_id in seen and seen == sorted(set(seen)), seen
found, _ = call("applications", "list_applications", search="generated a")
assert [one.client_id for one in found.items] == [application.client_id], found

events, _ = call("audit", "list_audit_events", subject=application.client_id)
actions = [event.action for event in events.items]
assert actions[:1] == ["application.secret.remove"] and actions[-1] == "application.add", actions
assert first[1] not in str(events) and second[1] not in str(events)

_, gone = call("applications", "remove_application", client_id=application.client_id)
assert gone.status_code == 204, gone
within_a_second(lambda: token_status(*second), 401)
_, gone = call("scopes", "remove_scope", name="generated:read")
assert gone.status_code == 204, gone
print(f"a generated client went through a life cycle at {ISSUER}")
