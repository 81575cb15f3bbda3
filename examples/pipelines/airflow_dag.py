"""Apache Airflow 3: every night a version, an audit of privacy and a gate, each in a pod of the image.

Needs `apache-airflow-providers-cncf-kubernetes`, the image of `deploy/docker`, and a volume claim `snapshots` that the
pods share. What a command prints with --json becomes the task's XCom. Exit code 3 is a no, by a check, an attack or a
limit of the policy: the task fails, and what needs it does not run. A task that its budget has stopped fails too, and
goes on with what it had finished when it is tried again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG
from kubernetes.client import models as k8s

IMAGE = "registry.example/feast-resampler:0.1.0"
SNAPSHOTS = k8s.V1Volume(
    name="snapshots", persistent_volume_claim=k8s.V1PersistentVolumeClaimVolumeSource(claim_name="snapshots")
)


def pod(name: str, *words: str, retries: int) -> KubernetesPodOperator:
    return KubernetesPodOperator(
        task_id=name,
        image=IMAGE,
        cmds=["sh", "-ec", 'mkdir -p /airflow/xcom; exec resampler "$@" > /airflow/xcom/return.json', "resampler"],
        arguments=[*words, "--json"],
        do_xcom_push=True,
        volumes=[SNAPSHOTS],
        volume_mounts=[k8s.V1VolumeMount(name="snapshots", mount_path="/snapshots")],
        container_resources=k8s.V1ResourceRequirements(
            requests={"cpu": "1", "memory": "2Gi"}, limits={"memory": "4Gi"}
        ),
        retries=retries,
        retry_delay=timedelta(minutes=5),
    )


with DAG(
    "fraud_training_set",
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
):
    create = pod(
        "create",
        *("snapshot", "create", "--catalog", "/snapshots", "--name", "fraud"),
        *("--entity-df", "/snapshots/rows.parquet", "--label", "tx_fraud"),
        *("--join-keys", "customer_id", "--timestamp", "event_timestamp"),
        *("--ratio", "0.2", "--seed", "42", "--split", "time:0.7,0.15,0.15"),
        *("--max-seconds", "1800", "--max-memory", "3GiB", "--resume", "latest"),
        retries=3,
    )
    audit = pod(
        "audit",
        *("audit", "privacy", "--catalog", "/snapshots", "--snapshot", "fraud"),
        *("--policy", "/snapshots/policy.toml", "--max-seconds", "1800"),
        retries=2,
    )
    drift = pod(
        "drift",
        *("drift", "--catalog", "/snapshots", "--snapshot", "fraud"),
        *("--against", "/snapshots/today.parquet", "--policy", "/snapshots/policy.toml"),
        retries=0,
    )
    create >> [audit, drift]
