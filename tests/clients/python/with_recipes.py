"""The programs in docs/verify take good tokens and refuse all others: Chancery's, and those of a stand-in."""

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import API, ISSUER, application, get_token
from stand_in import StandIn

CLIENTS = Path(__file__).resolve().parent.parent
RECIPES = CLIENTS.parent.parent / "docs" / "verify"
FOLDER = Path(os.environ["FOLDER"])


def recipes():
    """How to call each program, by name."""
    # Node.js looks for libraries beside the program.
    node = FOLDER / "recipe"
    node.mkdir()
    shutil.copy(RECIPES / "verify.mjs", node)
    (node / "node_modules").symlink_to(CLIENTS / "node" / "node_modules")
    programs = {
        "PyJWT": [sys.executable, RECIPES / "verify.py"],
        "jose": ["node", "--import", CLIENTS / "node" / "webcrypto.mjs", node / "verify.mjs"],
        "openssl": [RECIPES / "verify.sh"],
    }
    if has_jdk():
        subprocess.run(["javac", "-Xlint:all,-serial", "-Werror", "-d", FOLDER / "java", RECIPES / "Verify.java"], check=True)
        programs["the JDK"] = ["java", "-cp", FOLDER / "java", "Verify"]
    else:
        print("without the recipe in Java: there is no JDK 17 or later", file=sys.stderr)
    return programs


def has_jdk():
    if not (shutil.which("java") and shutil.which("javac")):
        return False
    done = subprocess.run(["javac", "-version"], capture_output=True, text=True)
    # JDK 8 says so on standard error.
    version = re.search(r"javac (\d+)", done.stdout + done.stderr)
    return version is not None and int(version[1]) >= 17


def run(program, issuer, token, *expected):
    return subprocess.run([*program, issuer, *expected], input=token + "\n", capture_output=True, text=True, timeout=60)


def must_take(name, program, issuer, token, *expected):
    done = run(program, issuer, token, *expected)
    assert done.returncode == 0, f"{name} did not take a good token, {expected}: {done.stderr}"
    assert json.loads(done.stdout)["iss"] == issuer, done.stdout


def must_refuse(name, program, issuer, token, why):
    done = run(program, issuer, token, API)
    assert done.returncode == 1 and not done.stdout, f"{name} took a bad token: {why}"
    assert done.stderr.startswith("refused: "), f"{name}, {why}: {done.stderr}"


def main():
    programs, stand_in = recipes(), StandIn()
    plain = application("plain")[0]
    ours = [(get_token("reader", "orders:read"), API), (get_token("plain", "read"), plain, "JWT")]
    good, bad = list(stand_in.good()), list(stand_in.bad())
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        waiting = []
        for name, program in programs.items():
            start = lambda check, *arguments: waiting.append(executor.submit(check, name, program, *arguments))
            for token, *expected in ours:
                start(must_take, ISSUER, token, *expected)
            for kind, token in good:
                if name != "openssl" or kind.startswith("RS256"):
                    start(must_take, stand_in.issuer, token, API)
            for why, token in bad:
                start(must_refuse, stand_in.issuer, token, why)
        for done in waiting:
            done.result()
    print(f"ok the recipes with {', '.join(programs)}: {len(good) + 2} good tokens, {len(bad)} bad ones")


main()
