"""The unit: systemd understands it, it exposes little, and the server lives with the system calls that it leaves."""

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from nodes import CHANCERY, Node, make_store

FILES = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
# Of 100, in which more is worse: `systemd-analyze security` calls less than 20 OK, and 100 unsafe.
EXPOSURE = 18
NOBODY = 65534


def lay_out(root):
    """A system in a folder: its own units, and ours where docs/operate/install.md puts them."""
    units = root / "etc/systemd/system"
    (units / "chancery.service.d").mkdir(parents=True)
    shutil.copy(FILES / "chancery.service", units)
    shutil.copy(FILES / "postgresql.conf", units / "chancery.service.d")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True, ignore_dangling_symlinks=True)
    (root / "usr/local/bin").mkdir(parents=True)
    shutil.copy(CHANCERY, root / "usr/local/bin")
    (root / "etc/sysusers.d").mkdir()
    shutil.copy(FILES / "sysusers.conf", root / "etc/sysusers.d/chancery.conf")


def analyze(root, *arguments):
    done = subprocess.run(
        ["systemd-analyze", *arguments, f"--root={root}", "chancery.service"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def check_unit(root):
    said = analyze(root, "verify")
    assert "chancery" not in said, said
    security = analyze(root, "security", "--offline=true", f"--threshold={EXPOSURE}")
    exposure = re.search(r"exposure level for chancery.service: ([\d.]+)", security)[1]
    done = subprocess.run(["systemd-sysusers", f"--root={root}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "chancery:" in (root / "etc/passwd").read_text(), done.stderr
    return exposure


def settings():
    """What the unit says, with its drop-in: a list of pairs."""
    text = (FILES / "chancery.service").read_text() + (FILES / "postgresql.conf").read_text()
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return [tuple(line.split("=", 1)) for line in lines]


def check_credentials():
    """Each file that a setting names in the folder of credentials is one that is put there."""
    loaded = {value.split(":")[0] for name, value in settings() if name == "LoadCredential"}
    named = {found for _, value in settings() for found in re.findall(r"%d/(\S+)", value)}
    assert loaded == named == {"master.key", "database-password"}, (loaded, named)
    seconds = dict(settings())["TimeoutStopSec"]
    assert int(seconds.removesuffix("s")) > 20 + 5, "a stop may take 20 s, and writing down what was noted some more"


def allowed_calls():
    """The system calls that the unit's filter leaves, by number."""
    defined = subprocess.run(
        ["cc", "-E", "-dM", "-"], input="#include <asm/unistd.h>", capture_output=True, text=True, check=True
    ).stdout
    numbers = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)$", defined, re.M)}
    allowed = set()
    for name, value in settings():
        if name == "SystemCallFilter":
            calls = {call for word in value.removeprefix("~").split() for call in calls_of(word)}
            allowed = allowed - calls if value.startswith("~") else allowed | calls
    return sorted(numbers[call] for call in allowed if call in numbers)


def calls_of(word):
    if not word.startswith("@"):
        return {word}
    done = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True)
    members = [line.strip() for line in done.stdout.splitlines()[1:]]
    return {call for member in members if member and not member.startswith("#") for call in calls_of(member)}


class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(Instruction))]


def confine_to(calls):
    """For a process about to be another: any other system call ends it. seccomp(2), bpf(2)."""
    load, equals, result, allow, kill = 0x20, 0x15, 0x06, 0x7FFF0000, 0x80000000
    listed = [Instruction(load, 0, 0, 0)]
    for number in calls:
        listed += [Instruction(equals, 0, 1, number), Instruction(result, 0, 0, allow)]
    listed.append(Instruction(result, 0, 0, kill))
    program = Program(len(listed), (Instruction * len(listed))(*listed))
    libc = ctypes.CDLL(None, use_errno=True)

    def confine():
        no_new_privileges, seccomp, filtering = 38, 22, 2
        for arguments in [(no_new_privileges, 1, 0, 0, 0), (seccomp, filtering, ctypes.byref(program), 0, 0)]:
            if libc.prctl(*arguments) != 0:
                os.write(2, b"prctl failed\n")
                os._exit(70)

    return confine


def check_calls(folder, program):
    """Serves, administers, and stops, with no other call than those."""
    calls = allowed_calls()
    assert len(calls) > 150, f"the filter was not understood: {calls}"
    (folder / "master.key").write_text(os.urandom(32).hex())
    node = Node("one", folder, make_store(folder))
    if os.geteuid() == 0:
        # SQLite gives its files to their owner, but only as root, which the unit is not.
        node.program, node.user = program, NOBODY
        for path in [folder, folder / "master.key"]:
            shutil.chown(path, NOBODY, NOBODY)
        folder.parent.chmod(0o711)
    node.run("scope", "add", "read")
    application = node.run("app", "add", "--name", "Caller", "--scope", "read")
    administrator = node.run("app", "add", "--name", "Administrator", "--scope", "admin:read")
    node.start(preexec_fn=confine_to(calls))
    try:
        assert node.token(application)[0] == 200
        token = node.token(administrator)[1]["access_token"]
        assert node.administrate("/admin/v1/applications", token)[0] == 200
    finally:
        status = node.stop()
    assert status == 0, f"the server ended with {status}"
    confined = subprocess.run(["chown", "0", folder / "master.key"], preexec_fn=confine_to(calls), check=False)
    assert confined.returncode < 0, "the filter filters nothing"
    return len(calls)


def main():
    with tempfile.TemporaryDirectory() as folder:
        root, data = Path(folder) / "root", Path(folder) / "node"
        data.mkdir()
        lay_out(root)
        exposure = check_unit(root)
        check_credentials()
        count = check_calls(data, root / "usr/local/bin/chancery")
    print(f"ok the unit for systemd: exposure {exposure} of 10, and the server needs none but {count} system calls")


main()
