"""Manifests: valid by the schemas, commands that our command line takes, containers without rights."""

import json
import re
import shutil
import subprocess

import jsonschema
import kubernetes_validate
import pytest
import yaml
from command_lines import parsed
from image import instructions

from deploy.generate.files import ROOT
from resampler.budget import DURATION, SIZE, StoppedError
from resampler.errors import GateError, ResamplerError
from resampler.schema import FeatureSchema
from stream.commands.run_cli import GRACE_S

MANIFESTS = {
    f"{path.stem}: {found['kind']}": found
    for path in sorted((ROOT / "kubernetes").glob("*.yaml"))
    for found in yaml.safe_load_all(path.read_text())
}
CRDS = {path.stem: json.loads(path.read_text()) for path in (ROOT.parent / "tests/deploy/crds").glob("*.json")}
KUBERNETES = ("1.30", "1.33")  # releases


def pod_of(manifest):
    """Return the template of the pods that a manifest starts; None of others."""
    spec = manifest["spec"]
    if "jobTemplate" in spec:
        spec = spec["jobTemplate"]["spec"]
    return spec.get("template")


PODS = {name: pod["spec"] for name, found in MANIFESTS.items() if (pod := pod_of(found))}
CONTAINERS = {
    f"{name}: {container['name']}": (pod, container) for name, pod in PODS.items() for container in pod["containers"]
}
each_container = pytest.mark.parametrize(("pod", "container"), CONTAINERS.values(), ids=CONTAINERS)


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_manifests_are_valid(manifest):
    if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
        schema = CRDS[manifest["kind"]]
        jsonschema.validate(manifest, strict(schema))
    else:
        for release in KUBERNETES:
            kubernetes_validate.validate(manifest, release, strict=True)


def strict(schema):
    """Refuse fields that the schema of a custom resource does not name: the server would drop them."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if isinstance(schema, str):
        return schema.replace("^(?i)", "(?i)^")  # Go's patterns take flags anywhere
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
        if set(made["properties"]) >= {"apiVersion", "kind", "metadata"}:
            made["properties"]["metadata"] = {"type": "object"}
    return made


@pytest.mark.parametrize("kind", CRDS)
def test_wrong_fields_of_custom_resources_are_found(kind):
    (found,) = [found for found in MANIFESTS.values() if found["kind"] == kind]
    with pytest.raises(jsonschema.ValidationError, match="interval_s"):
        jsonschema.validate({**found, "spec": {**found["spec"], "interval_s": 1}}, strict(CRDS[kind]))


@each_container
def test_commands_are_ours(pod, container):
    context = parsed(container["args"])
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
    asked = context.params.get("metrics_port", context.params.get("port"))
    assert ports.get("metrics") == asked


@each_container
def test_containers_have_no_rights_and_bounds(pod, container):
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    rights = container["securityContext"]
    assert (rights["allowPrivilegeEscalation"], rights["readOnlyRootFilesystem"]) == (False, True)
    assert rights["capabilities"] == {"drop": ["ALL"]}
    for bound in ("requests", "limits"):
        assert {"cpu", "memory"} <= set(container["resources"][bound])
    # What the image calls HOME can be written to, within bounds.
    home = re.search(r"HOME=(\S+)", dict(instructions())["ENV"])[1]
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == mounted[home]]
    assert volume["emptyDir"]["sizeLimit"]


@each_container
def test_no_secret_stands_in_a_manifest(pod, container):
    assert all("value" not in variable for variable in container.get("env", ()))
    assert not any("@" in word or "redis://" in word for word in container["args"])


def test_probes_leave_a_worker_alone_that_compiles_replays_or_waits():
    (pod,) = [pod for name, pod in PODS.items() if name.startswith("worker")]
    (container,) = pod["containers"]
    port = container["ports"][0]["name"]
    asked = {probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")}
    assert {probe: get["path"] for probe, get in asked.items()} == {
        "startup": "/livez",
        "liveness": "/livez",
        "readiness": "/healthz",
    }
    assert {get["port"] for get in asked.values()} == {port}
    assert pod["terminationGracePeriodSeconds"] >= 5 * GRACE_S


def test_a_run_ends_in_order_before_it_is_ended():
    job = MANIFESTS["snapshot: CronJob"]["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    asked = parsed(container["args"]).params
    assert DURATION.check("max_seconds", asked["max_seconds"]) + 300 < job["activeDeadlineSeconds"]
    limit = int(container["resources"]["limits"]["memory"].removesuffix("Gi")) * 2**30
    assert SIZE.check("max_memory", asked["max_memory"]) < limit
    (codes,) = [rule["onExitCodes"]["values"] for rule in job["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    assert {GateError.exit_code, StoppedError.exit_code} <= set(codes)
    assert ResamplerError.exit_code not in codes  # a place that was away may be back


def test_services_and_monitors_find_their_pods():
    for name, found in MANIFESTS.items():
        if found["kind"] != "Service":
            continue
        (pod,) = [
            pod_of(other)
            for other in MANIFESTS.values()
            if other["kind"] == "Deployment" and other["metadata"]["name"] == found["metadata"]["name"]
        ]
        assert found["spec"]["selector"].items() <= pod["metadata"]["labels"].items(), name
        (monitor,) = [other for other in MANIFESTS.values() if other["kind"] == "ServiceMonitor"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= found["metadata"]["labels"].items()
        assert "jobLabel" not in monitor["spec"]  # so a job is called after its service, as rules expect
        assert {one["port"] for one in monitor["spec"]["endpoints"]} == {one["name"] for one in found["spec"]["ports"]}


def test_the_contract_is_one():
    assert FeatureSchema.from_file(ROOT / "kubernetes" / "config" / "contract.json").names


def test_kustomize_puts_all_together():
    kubectl = shutil.which("kubectl") or pytest.skip("kubectl is not here")
    done = subprocess.run([kubectl, "kustomize", str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = list(yaml.safe_load_all(done.stdout))
    kinds = sorted(one["kind"] for one in found)
    assert kinds == sorted([*(one["kind"] for one in MANIFESTS.values()), "ConfigMap", "ConfigMap"])
    for one in found:
        if not one["apiVersion"].startswith("monitoring"):
            kubernetes_validate.validate(one, KUBERNETES[-1], strict=True)
    (dashboards,) = [one for one in found if one["metadata"]["name"] == "resampler-dashboards"]
    assert set(dashboards["data"]) == {path.name for path in (ROOT / "grafana").glob("*.json")}
    assert len(json.dumps(dashboards)) < 250_000  # `kubectl apply` keeps a copy in an annotation, of 256 KiB
