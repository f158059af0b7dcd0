"""The program in docs/operate verifies the audit of everything registered here, and finds what was altered."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent.parent.parent / "docs" / "operate" / "verify_audit.py"
CHANCERY = [os.environ["CHANCERY"], "--data", Path(os.environ["FOLDER"]) / "data", "--output", "json"]


def chancery(*arguments):
    return subprocess.run([*CHANCERY, *arguments], check=True, capture_output=True, text=True).stdout


def verify(listed):
    return subprocess.run([sys.executable, PROGRAM], input=listed, capture_output=True, text=True, timeout=60)


def main():
    # Text and numbers that not every language writes in the same way.
    odd = 'claim={"n":[1e300,1.0,-0.0,1E-7,123456789012345678,0.1],"t":"\\u0001\\u001f\\u007f\\u00fc\\u2028\\\\\\"/\\t"}'
    chancery("app", "add", "--name", "Odd \u00fc\u2028\U0001f511", "--claim", odd)
    listed = chancery("audit", "list", "--limit", "1000000")
    done = verify(listed)
    assert done.returncode == 0, done.stderr
    end = json.loads(chancery("audit", "verify", "--expect", done.stdout.strip()))
    assert done.stdout.strip() == f"{end['sequence']}:{end['hash']}", done.stdout

    events = json.loads(listed)
    assert verify(chancery("audit", "list", "--limit", "7")).stdout == done.stdout
    for name, other in [("actor", "cli:nobody"), ("tenant_id", None), ("detail", {}), ("at", events[0]["at"]), ("sequence", 9999)]:
        altered = [dict(event) for event in events]
        altered[-2][name] = other
        done = verify(json.dumps(altered, ensure_ascii=False))
        assert done.returncode == 1 and "event number" in done.stderr, (name, done.stderr)
    done = verify(json.dumps(events[:5] + events[6:]))
    assert done.returncode == 1, "an event that is missing was not missed"
    print(f"ok the audit: {len(events)} events, verified in Python as by the server")


main()
