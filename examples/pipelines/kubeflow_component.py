"""Kubeflow Pipelines 2: components that make a version and ask the gate, and a pipeline of the first.

`python kubeflow_component.py pipeline.yaml` writes the pipeline. The version is an artifact of kind Dataset, a plain
catalogue with the snapshot `train` in it; what a command prints is one of kind Metrics. Exit code 3, a no, fails the
step.
"""

import sys  # and no postponed annotations, which kfp cannot read

from kfp import compiler, dsl

IMAGE = "registry.example/feast-resampler:0.1.0"


@dsl.container_component
def training_set(
    rows: dsl.Input[dsl.Dataset],
    label: str,
    keys: str,
    timestamp: str,
    ratio: float,
    seed: int,
    version: dsl.Output[dsl.Dataset],
    printed: dsl.Output[dsl.Metrics],
):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["sh", "-ec", 'out="$1"; shift; mkdir -p "$(dirname "$out")"; exec resampler "$@" > "$out"', "sh"],
        args=[
            printed.path,
            *("snapshot", "create", "--catalog", version.path, "--name", "train", "--entity-df", rows.path),
            *("--label", label, "--join-keys", keys, "--timestamp", timestamp, "--ratio", ratio, "--seed", seed),
            *("--max-seconds", "3600", "--json"),
        ],
    )


@dsl.container_component
def gate(
    predictions: dsl.Input[dsl.Dataset],
    version: dsl.Input[dsl.Dataset],
    policy: dsl.Input[dsl.Artifact],
    answer: dsl.Output[dsl.Metrics],
):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["sh", "-ec", 'out="$1"; shift; mkdir -p "$(dirname "$out")"; exec resampler "$@" > "$out"', "sh"],
        args=[
            answer.path,
            "gate",
            f"{predictions.path}/predictions.parquet",
            *("--catalog", version.path, "--snapshot", "train"),
            *("--policy", f"{policy.path}/policy.toml", "--first", "--json"),
        ],
    )


@dsl.pipeline(name="training-set", description="A version of a table, ready for a training step.")
def pipeline(
    rows_uri: str, label: str, keys: str, timestamp: str = "event_timestamp", ratio: float = 0.2, seed: int = 42
):
    rows = dsl.importer(artifact_uri=rows_uri, artifact_class=dsl.Dataset)
    made = training_set(rows=rows.output, label=label, keys=keys, timestamp=timestamp, ratio=ratio, seed=seed)
    made.set_cpu_limit("2").set_memory_limit("4G")


if __name__ == "__main__":
    compiler.Compiler().compile(pipeline, sys.argv[1])
