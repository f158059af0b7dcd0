"""The Dockerfile: a linter's opinion, what is built and from what, and the program in exactly what the image contains:
a base of C libraries, a number for a user, a root that cannot be written to, and no power at all. No container engine
is needed: a container is a folder in namespaces of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from nodes import CHANCERY, HOST, Node, ask, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "deploy" / "docker"
# What distroless/cc has of C libraries.
BASE = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libssl.so.3", "libcrypto.so.3"}


def instructions():
    """The stages of the Dockerfile: each a list of words and what follows them."""
    text = re.sub(r"^#.*\n", "", (FOLDER / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    stages = []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, rest = line.split(None, 1)
        if word == "FROM":
            stages.append([])
        stages[-1].append((word, rest.strip()))
    return stages


def last(stage, wanted):
    return [rest for word, rest in stage if word == wanted][-1]


def check_what_is_copied(build):
    """Every file that the compiler read is sent to the build and copied there, and no folder of secrets is."""
    admitted = [line[1:] for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [name for word, rest in build if word == "COPY" for name in rest.split()[:-1]]
    assert sorted(admitted) == sorted(copied), f"sent {admitted}, copied {copied}"
    read = (REPOSITORY / "target/debug/chancery.d").read_text().split(":", 1)[1].split()
    read = [Path(name).relative_to(REPOSITORY) for name in read]
    missing = [str(name) for name in read if not any(name.is_relative_to(folder) for folder in copied)]
    assert len(read) > 100 and not missing, f"not in the build: {missing}"


def libraries():
    """The shared libraries that the program needs, by name."""
    listed = subprocess.run(["ldd", CHANCERY], capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"(\S+) => (/\S+)", listed))
    assert set(found) <= BASE, f"the base image does not have all of {sorted(found)}"
    loader = re.search(r"^\s*(/\S*ld-linux\S+)", listed, re.M)[1]
    return {loader: loader, **{path: path for path in found.values()}}


def lay_out(root, environment):
    """The final stage: the base, and what is copied onto it."""
    for folder in ["etc/ssl/certs", "usr/local/bin", "proc", "dev", "secrets", environment["CHANCERY_DATA"].strip("/")]:
        (root / folder).mkdir(parents=True)
    for path, source in libraries().items():
        (root / path.strip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(source), root / path.strip("/"))
    (root / "etc/passwd").write_text("nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")
    (root / "etc/resolv.conf").write_text("")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs")
    shutil.copy(CHANCERY, root / "usr/local/bin/chancery")


# Run as root of namespaces of its own: process numbers, mounts.
CONTAINER = """
set -eu
root=$1 volume=$2 data=$3 secrets=$4 user=$5; shift 5
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind "$volume" "$root$data"
mount --bind "$secrets" "$root/secrets"
mount -o remount,bind,ro,nosuid,nodev "$root"
mount -o remount,bind,ro "$root/secrets"
mount -t proc -o ro proc "$root/proc"
if touch "$root/written" 2>/dev/null; then echo 'the root can be written to' >&2; exit 70; fi
exec "$PYTHON" -c "$ENTER" "$root" "$user" "$@"
"""

# Into the root, and what an engine takes away on the way: other groups, every capability for good, new privileges.
ENTER = """
import ctypes, os, sys
root, user, *command = sys.argv[1:]
libc, (uid, gid) = ctypes.CDLL(None), map(int, user.split(":"))
drop_from_bounding_set, no_new_privileges = 24, 38
os.chroot(root)
os.chdir("/")
for capability in range(64):
    libc.prctl(drop_from_bounding_set, capability, 0, 0, 0)
libc.prctl(no_new_privileges, 1, 0, 0, 0)
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
del os.environ["PYTHON"], os.environ["ENTER"]
os.execv(command[0], command)
"""


class Container(Node):
    """The server as process 1 of a container; its commands as further containers on the same volume."""

    def __init__(self, folder, stage, store):
        super().__init__("container", folder, store)
        self.image = dict(pair.split("=", 1) for pair in last(stage, "ENV").split())
        self.entry, self.command = json.loads(last(stage, "ENTRYPOINT")), json.loads(last(stage, "CMD"))
        self.number = last(stage, "USER")
        self.environment |= self.image | {
            "PYTHON": sys.executable,
            "ENTER": ENTER,
            "CHANCERY_KEYS_MASTER": "file:/secrets/master.key",
            # As an engine maps ports: from beyond the container.
            "CHANCERY_LISTEN_PUBLIC": f"0.0.0.0:{self.public}",
            "CHANCERY_LISTEN_ADMIN": f"0.0.0.0:{self.admin}",
            "CHANCERY_STORE_URL": store,
        }
        for name in ["root", "volume", "secrets"]:
            (folder / name).mkdir()
        lay_out(folder / "root", self.image)
        key = folder / "secrets" / "master.key"
        key.write_text(os.urandom(32).hex())
        owner = int(self.number.split(":")[0])
        for path in [folder / "volume", key]:
            shutil.chown(path, owner, owner)
        key.chmod(0o400)

    def arguments(self, *command):
        places = [self.folder / name for name in ["root", "volume"]] + [self.image["CHANCERY_DATA"], self.folder / "secrets"]
        container = ["sh", "-c", CONTAINER, "container", *map(str, places), self.number]
        # A signal to unshare goes no further; so the process itself is told, by its number outside.
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", *container, *self.entry, *command]

    def start(self):
        with open(self.folder / "container.log", "a") as log:
            self.process = subprocess.Popen(self.arguments(*self.command), env=self.environment, stderr=log)
        wait_until(self.is_ready, "the server in the container is ready")

    def stop(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        (inner,) = children
        status = Path(f"/proc/{inner}/status").read_text()
        os.kill(int(inner), 15)
        return self.process.wait(60), status

    def run(self, *command):
        done = subprocess.run(
            self.arguments("--output", "json", *command), env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def check_status(status, number):
    """What the kernel says of the process while it served."""
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert set(fields["Uid"].split() + fields["Gid"].split()) == {number}, fields
    assert fields["NSpid"].split()[-1] == "1" and fields["NoNewPrivs"].strip() == "1", fields
    for kind in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
        assert int(fields[kind], 16) == 0, f"{kind}: {fields[kind]}"


def main():
    build, final = instructions()
    done = subprocess.run(["hadolint", FOLDER / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    check_what_is_copied(build)
    number = last(final, "USER").split(":")[0]
    assert number.isdigit() and number != "0", "Kubernetes wants a number that is not root's"
    may = subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "--make-rprivate", "/"], capture_output=True)
    if may.returncode != 0 or os.geteuid() != 0:
        print("with_container.py: skipped: it makes namespaces and mounts, for which it has to be root", file=sys.stderr)
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        data = dict(pair.split("=", 1) for pair in last(final, "ENV").split())["CHANCERY_DATA"]
        container = Container(Path(folder), final, f"sqlite:{data}/chancery.db")
        container.run("scope", "add", "read")
        application = container.run("app", "add", "--name", "Caller", "--scope", "read")
        container.start()
        try:
            assert container.token(application)[0] == 200
            assert ask(container.admin, "GET", "/health/ready")[0] == 200
        finally:
            ended, status = container.stop()
        # As process 1 it must handle the signal itself: nobody does it in its place.
        assert ended == 0 and '"stopped"' in container.log(), container.log()
        check_status(status, number)
        written = {path.name for path in (Path(folder) / "volume").iterdir()}
        assert "chancery.db" in written, written
    print(f"ok the image: process 1 as user {number} on a read-only root with {len(libraries())} libraries, {HOST} served")


main()
