"""What we hand out for deploying is valid, and names only processes, settings and addresses that there are."""

from __future__ import annotations

import copy
import json
import re
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from cli import app
from local import pgbouncer
from services.restoring import mark_file
from settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "deployment"
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((FOLDER / "kubernetes.yml").read_text()))
SCALERS: list[dict[str, Any]] = list(yaml.safe_load_all((FOLDER / "autoscaling.yml").read_text()))
KEDA: dict[str, Any] = json.loads((Path(__file__).parent / "keda_scaled_object.json").read_text())
UNIT = (FOLDER / "carillon@.service").read_text()
COMMANDS = {command.name or (command.callback and command.callback.__name__) for command in app.registered_commands}
SETTINGS = {name.upper() for name in Settings.model_fields}


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in MANIFESTS if manifest["kind"] == kind]


def containers() -> list[dict[str, Any]]:
    return [one for manifest in of_kind("Deployment") for one in manifest["spec"]["template"]["spec"]["containers"]]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_each_manifest_is_one_that_kubernetes_takes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_the_scaler_by_processor_time_is_one_that_kubernetes_takes() -> None:
    kubernetes_validate.validate(SCALERS[0], kubernetes_validate.latest_version(), strict=True)


def test_the_scaler_of_keda_is_one_that_keda_takes() -> None:
    jsonschema.validate(SCALERS[1], KEDA)
    behavior = SCALERS[1]["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior == SCALERS[0]["spec"]["behavior"], "which Kubernetes's own schema has taken"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "minReplicas"), 2),  # of the other scaler
        (("spec", "maxReplicaCount"), "10"),
        (("spec", "cooldownPeriod"), 300),
        (("spec", "scaleTargetRef", "names"), "carillon-worker"),
        (("spec", "advanced", "behavior"), {}),
        (("spec", "triggers"), []),
        (("spec", "triggers", 0, "type"), "prometheuss"),
        (("spec", "triggers", 0, "metadata", "threshold"), 15),
        (("spec", "triggers", 0, "metadata", "server"), "http://prometheus:9090"),
        (("metadata", "labels"), "none"),
        (("apiVersion",), "keda.sh/v1"),
    ],
)
def test_a_wrong_field_of_a_scaler_of_keda_is_found(path: tuple[Any, ...], value: object) -> None:
    wrong = copy.deepcopy(SCALERS[1])
    within = reduce(getitem, path[:-1], wrong)
    within[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, KEDA)


def test_the_scalers_ask_for_metrics_that_there_are_and_by_the_threads_that_a_worker_has() -> None:
    asked = {trigger["metadata"]["query"]: trigger["metadata"] for trigger in SCALERS[1]["spec"]["triggers"]}
    [external] = [one["external"] for one in SCALERS[0]["spec"]["metrics"] if one["type"] == "External"]
    named = re.findall(r"carillon_\w+", " ".join((*asked, external["metric"]["name"])))
    assert named == ["carillon_backlog_oldest_seconds", "carillon_coming_threads", "carillon_coming_threads"]
    explained = (FOLDER.parent / "operations.md").read_text()
    assert [metric for metric in named if f"`{metric}`" not in explained] == []
    threads = str(Settings.model_fields["worker_threads"].default)
    [coming] = [metadata for query, metadata in asked.items() if "carillon_coming_threads" in query]
    assert (coming["threshold"], external["target"]["averageValue"]) == (threads, threads)


def test_the_scalers_scale_workers_that_there_are_within_the_same_bounds() -> None:
    workers = {one["metadata"]["name"] for one in of_kind("Deployment")}
    bounds = [(one["spec"]["minReplicas"], one["spec"]["maxReplicas"]) for one in SCALERS[:1]]
    bounds += [(one["spec"]["minReplicaCount"], one["spec"]["maxReplicaCount"]) for one in SCALERS[1:]]
    assert {one["spec"]["scaleTargetRef"]["name"] for one in SCALERS} <= workers
    assert bounds[0] == bounds[1]


def test_each_container_runs_a_process_that_there_is_and_is_asked_for_its_health() -> None:
    assert [container["args"] for container in containers()] == [["web"], ["worker"], ["coordinator"], ["periodic"]]
    paths = {container["livenessProbe"]["httpGet"]["path"] for container in containers()}
    assert paths == {"/healthz"}


def test_the_pods_that_start_runs_keep_the_mark_of_the_database_where_it_outlives_them() -> None:
    [image_folder] = re.findall(r"^WORKDIR (.+)$", (FOLDER.parents[1] / "Dockerfile").read_text(), re.MULTILINE)
    marks = f"{image_folder}/{Settings.model_fields['data_dir'].default}/{mark_file.FOLDER}"
    [claim] = of_kind("PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]  # they are on many nodes
    pods = [one["spec"]["template"]["spec"] for one in of_kind("Deployment")]
    keeping = [pod for pod in pods if "volumes" in pod]
    assert [pod["containers"][0]["args"] for pod in keeping] == [["web"], ["worker"], ["coordinator"]]
    for pod in keeping:
        [volume], [mount] = pod["volumes"], pod["containers"][0]["volumeMounts"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert mount == {"name": volume["name"], "mountPath": marks}
        assert pod["securityContext"]["fsGroup"] == pod["containers"][0]["securityContext"]["runAsUser"]


def test_each_setting_in_the_manifests_is_one() -> None:
    [given] = of_kind("ConfigMap")
    assert set(given["data"]) <= SETTINGS
    Settings.model_validate({name.lower(): value for name, value in given["data"].items()} | {"internal_secret": "x"})


def test_pods_and_units_are_given_longer_to_end_than_runs_are() -> None:
    grace = Settings.model_fields["shutdown_grace_seconds"].default
    [worker] = [one for one in of_kind("Deployment") if one["metadata"]["name"] == "carillon-worker"]
    assert worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > grace
    [stop] = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(stop) > grace


def test_a_process_has_settings_for_itself_that_go_before_those_of_all() -> None:
    """All that share a HEALTH_PORT on one host but the first would refuse to start."""
    files = re.findall(r"^EnvironmentFile=(.+)$", UNIT, re.MULTILINE)
    assert files == ["/etc/carillon/carillon.env", "-/etc/carillon/%i.env"], "the later one wins; it may be missing"


def test_the_unit_starts_processes_that_there_are() -> None:
    assert set(re.findall(r"carillon@(\w+)", UNIT)) <= COMMANDS
    assert set(re.findall(r"^Environment=(\w+)=", UNIT, re.MULTILINE)) <= SETTINGS


def test_the_documented_settings_of_pgbouncer_are_those_of_the_chaos_run() -> None:
    documented = re.findall(r"```ini\n(pool_mode.*?)```", (DOCS / "operations.md").read_text(), re.DOTALL)
    assert len(documented) == 1
    assert set(documented[0].splitlines()) <= set(pgbouncer.SETTINGS.splitlines())
