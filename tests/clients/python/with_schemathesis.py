"""schemathesis asks the admin API whatever its OpenAPI document allows, and what it does not, with all its checks.

It has a server of its own, since it changes and removes whatever it finds. How long it goes on is told by the variable
SCHEMATHESIS_EXAMPLES: examples of each operation, 10 unless set; 150 make more than 20,000 requests.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

CLIENTS = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ["FOLDER"]) / "schemathesis"
CHANCERY = [os.environ["CHANCERY"], "--data", str(FOLDER / "data"), "--output", "json"]
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "10")
SERVES = re.compile(r'"chancery serves".*"admin":"([^"]+)"')


def serve():
    """A server, and where its admin listener is."""
    log = FOLDER / "log"
    command = [*CHANCERY[:3], "serve", "--listen-public", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0"]
    server = subprocess.Popen(command, stderr=log.open("w"))
    end = time.monotonic() + 20
    while not (found := SERVES.search(log.read_text())):
        assert server.poll() is None and time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    return server, found[1]


FOLDER.mkdir()
server, address = serve()
try:
    operator = [*CHANCERY, "operator", "add", "root", "--platform", "--scope", "admin:write"]
    secret = json.loads(subprocess.run(operator, capture_output=True, check=True).stdout)["secret"]
    command = [Path(sys.executable).parent / "schemathesis", "--config-file", CLIENTS / "schemathesis.toml", "run"]
    command += [f"http://{address}/admin/v1/openapi.json", "--auth", f"root:{secret}", "--checks", "all"]
    command += ["--max-examples", EXAMPLES, "--no-color", "--generation-database", "none"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
    assert server.poll() is None, "the server has died"
    summary = re.search(r"^Test cases:\n.*$", run.stdout, re.MULTILINE)
    print("schemathesis:", " ".join(summary[0].split()))
finally:
    server.terminate()
    server.wait()
