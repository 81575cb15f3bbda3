"""The batch half: a Feast repository in, a versioned, augmented training set out."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from demo.process import HERE, resampler_command, run, run_json, script_command

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABEL = "fails_within_15"
EXAMPLE = HERE.parent


@dataclass(frozen=True)
class Published:
    """A published version and where it lies."""

    answer: dict[str, Any]
    directory: Path
    manifest: dict[str, Any]

    def table(self, split: str) -> pa.Table:
        """Read one split's Parquet files."""
        return pq.read_table(self.directory / split)

    @property
    def features(self) -> list[str]:
        """Feature columns in the contract's order."""
        return [feature["name"] for feature in self.manifest["contract"]["features"]]


def matrix(table: pa.Table, features: list[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return a table's features and label as arrays."""
    X = np.column_stack([table[name].to_numpy() for name in features]).astype(np.float32)
    return X, table[LABEL].to_numpy().astype(np.int64)


def publish(work: Path, ratio: float, seed: int) -> Published:
    """Apply a copy of the feature repository in `work` and publish snapshot `turbofan` from it."""
    repo = work / "feature_repo"
    shutil.copytree(EXAMPLE / "feature_repo", repo, ignore=shutil.ignore_patterns("__pycache__", "state"))
    (work / "data").mkdir()
    shutil.copy(EXAMPLE / "data" / "turbofan.parquet", work / "data")
    run([str(Path(sys.executable).with_name("feast")), "--chdir", str(repo), "apply"], "feast apply")
    return create(work, ratio, seed)


def create(work: Path, ratio: float, seed: int) -> Published:
    """Create the snapshot, or find that an equal one is there."""
    root = work / "snapshots"
    answer = run_json(
        resampler_command(
            *("snapshot", "create", "--repo", str(work / "feature_repo"), "--name", "turbofan"),
            *("--feature-service", "turbofan", "--entity-df", str(work / "data" / "turbofan.parquet")),
            *("--label", LABEL, "--split", "group:unit:0.7,0.15,0.15"),
            *("--ratio", str(ratio), "--seed", str(seed), "--root", str(root), "--json"),
        ),
        "resampler snapshot create",
    )
    directory = root / "turbofan" / f"v{answer['version']:04d}"
    return Published(answer, directory, run_manifest(root))


def run_manifest(root: Path) -> dict[str, Any]:
    """Ask the command line for the newest version's manifest."""
    command = resampler_command("snapshot", "show", "--name", "turbofan", "--root", str(root), "--json")
    return run_json(command, "resampler snapshot show")


def read_back(work: Path, published: Published) -> dict[str, Any]:
    """Read every split in a process that imports only Feast."""
    command = script_command("reader", str(work / "feature_repo"), *published.answer["datasets"].values())
    return run_json(command, "plain Feast reads it back")
