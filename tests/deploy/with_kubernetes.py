"""The manifests: valid for Kubernetes, restricted, one with another, and a server takes exactly their settings."""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes_validate
import yaml

from nodes import CHANCERY, Node, ask, make_store

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "deploy" / "kubernetes"
# The oldest that has all that is used, and one of the newest.
VERSIONS = ["1.30", "1.37"]
# What a stop may take (src/http/server.rs), and writing down what was noted, in seconds.
STOP = 20 + 5


def manifests():
    """The documents by kind."""
    found = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            for version in VERSIONS:
                kubernetes_validate.validate(document, version, strict=True)
            assert document["kind"] not in found
            found[document["kind"]] = document
    assert set(found) == {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "Job"}
    return found


def check_restricted(pod):
    """The profile "restricted" of the Pod Security Standards, and a root that cannot be written to."""
    container, outer = pod["containers"][0], pod["securityContext"]
    inner = container["securityContext"]
    user = re.search(r"^USER (\d+):(\d+)$", (REPOSITORY / "deploy/docker/Dockerfile").read_text(), re.M)
    assert (outer["runAsUser"], outer["runAsGroup"]) == (int(user[1]), int(user[2])), "not the image's user"
    assert outer["runAsNonRoot"] and outer["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not inner["allowPrivilegeEscalation"] and inner["readOnlyRootFilesystem"]
    assert inner["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
    assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} <= {"secret", "emptyDir"}


def environment(pod):
    """What is set: text, or the Secret that it is in."""
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in pod["containers"][0]["env"]}


def files_of_secrets(pod):
    """Where in the container which key of which Secret is. Its keys are those that deployment.yaml tells of."""
    told = re.findall(r"^#   Secret (\S+) +([^\s,]+(?:, [^\s,]+)*)", (FOLDER / "deployment.yaml").read_text(), re.M)
    told = {name: keys.split(", ") for name, keys in told}
    volumes = {volume["name"]: volume.get("secret") for volume in pod["volumes"]}
    files = {}
    for mount in pod["containers"][0]["volumeMounts"]:
        secret = volumes[mount["name"]]
        for key in told[secret["secretName"]] if secret else []:
            if key in [item["key"] for item in secret.get("items", [])] or "items" not in secret:
                files[f"{mount['mountPath']}/{key}"] = secret["secretName"]
    return files, told


def check_settings(pod):
    """Every variable is a setting, and every file that one names is there."""
    known = subprocess.run([CHANCERY, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    files, told = files_of_secrets(pod)
    for name, value in environment(pod).items():
        flag = "--" + name.removeprefix("CHANCERY_").lower().replace("_", "-").replace("store-url", "store")
        assert re.search(rf"{flag}\b", known), f"{name} is no setting"
        if isinstance(value, dict):
            reference = value["secretKeyRef"]
            assert reference["key"] in told[reference["name"]], reference
        elif value.startswith("file:"):
            assert value.removeprefix("file:") in files, f"{name}: no Secret has {value}"


def check_network(found):
    """Ports, labels and selectors say the same; the admin port is open to nobody."""
    deployment = found["Deployment"]["spec"]
    pod, labels = deployment["template"]["spec"], deployment["template"]["metadata"]["labels"]
    container, variables = pod["containers"][0], environment(pod)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listening = {name: variables[f"CHANCERY_LISTEN_{name.upper()}"] for name in ports}
    assert listening == {name: f"0.0.0.0:{port}" for name, port in ports.items()}
    service, policy = found["Service"]["spec"], found["NetworkPolicy"]["spec"]
    assert [port["targetPort"] for port in service["ports"]] == ["public"]
    assert service["selector"] == labels == policy["podSelector"]["matchLabels"] == deployment["selector"]["matchLabels"]
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Job"]["spec"]["template"]["metadata"]["labels"] != labels, "a Job's pods are no nodes"
    opened = [port["port"] for rule in policy["ingress"] for port in rule["ports"]]
    assert opened == [ports["public"]] and all(rule["from"] for rule in policy["ingress"]), opened


def check_stop(deployment):
    pod = deployment["template"]["spec"]
    waits = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= waits + STOP, "it would be killed while it answers"
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def check_version(pod):
    """The image is the release's that the manifests come with."""
    version = re.search(r'^version = "(.+)"$', (REPOSITORY / "Cargo.toml").read_text(), re.M)[1]
    assert pod["containers"][0]["image"].endswith(f"/chancery:{version}"), pod["containers"][0]["image"]


def serve_with_them(pod):
    """A server with these settings, its files and ports moved, answers every probe."""
    container = pod["containers"][0]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        node = Node("pod", folder, make_store(folder))
        (folder / "secrets/master-key").mkdir(parents=True)
        (folder / "secrets/master-key/master.key").write_text(os.urandom(32).hex())
        settings = {name: value for name, value in environment(pod).items() if isinstance(value, str)}
        url = urlsplit(node.environment["CHANCERY_STORE_URL"])
        if url.password is None:
            # A file has none.
            settings.pop("CHANCERY_STORE_PASSWORD")
        else:
            (folder / "secrets/database").mkdir()
            (folder / "secrets/database/password").write_text(url.password)
            node.environment["CHANCERY_STORE_URL"] = url.geturl().replace(f":{url.password}@", "@")
        for name, value in settings.items():
            moved = value.replace("file:/", f"file:{folder}/")
            node.environment[name] = moved.replace(":8080", f":{node.public}").replace(":8081", f":{node.admin}")
        node.start()
        try:
            for kind in ["startupProbe", "livenessProbe", "readinessProbe"]:
                probe = container[kind]["httpGet"]
                assert probe["port"] == "admin", kind
                assert ask(node.admin, "GET", probe["path"])[0] == 200, kind
            assert "unknown" not in node.log().lower(), node.log()
        finally:
            node.stop()


def main():
    found = manifests()
    for kind in ["Deployment", "Job"]:
        pod = found[kind]["spec"]["template"]["spec"]
        check_restricted(pod)
        check_settings(pod)
        check_version(pod)
        command = pod["containers"][0]["args"]
        subprocess.run([CHANCERY, *command, "--help"], check=True, capture_output=True)
    check_network(found)
    check_stop(found["Deployment"]["spec"])
    serve_with_them(found["Deployment"]["spec"]["template"]["spec"])
    print(f"ok the manifests: valid for Kubernetes {' and '.join(VERSIONS)}, restricted, and a server takes their settings")


main()
