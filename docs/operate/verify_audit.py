"""Verifies on standard input what `chancery audit list --output json` prints, and prints where the chain ends."""

import hashlib
import json
import sys
from datetime import datetime


class Number(str):
    """A number, as it is written: not every language writes 1e300 in the same way."""


def text(value):
    if isinstance(value, Number):
        return value
    if isinstance(value, list):
        return "[" + ",".join(map(text, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{text(name)}:{text(member)}" for name, member in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


events = json.load(sys.stdin, parse_int=Number, parse_float=Number)[::-1]
# The first event of all follows 64 zeros. Of a list that begins later, the first is what the others are bound to.
head, number = ("0" * 64, 0) if events[0]["sequence"] == "1" else (events[0]["hash"], int(events.pop(0)["sequence"]))
for event in events:
    at = datetime.fromisoformat(event["at"].replace("Z", "+00:00"))
    names = "tenant_id", "actor", "source", "request", "action", "subject", "detail"
    fields = [head, Number(round(at.timestamp() * 1000)), *(event[name] for name in names)]
    head, number = hashlib.sha256(text(fields).encode()).hexdigest(), number + 1
    if (event["hash"], int(event["sequence"])) != (head, number):
        sys.exit(f"event number {event['sequence']} does not fit the events before it")
print(f"{number}:{head}")
