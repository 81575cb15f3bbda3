"""Methods of MOA, the field's Java workbench: from a jar that is not ours, named on the command line.

Any release that has ``moa.classifiers.meta.imbalanced`` does; the package capymoa holds one.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

TREE = "trees.HoeffdingAdaptiveTree"
MOA = {
    "MOA C-SMOTE": f"meta.imbalanced.CSMOTE -l {TREE}",
    "MOA RebalanceStream": f"meta.imbalanced.RebalanceStream -l {TREE}",
    "MOA UnderOverBagging": f"meta.imbalanced.OnlineUnderOverBagging -l {TREE}",
    "MOA SMOTEBagging": f"meta.imbalanced.OnlineSMOTEBagging -l {TREE}",
    "MOA AdaC2": f"meta.imbalanced.OnlineAdaC2 -l {TREE}",
    "MOA RUSBoost": f"meta.imbalanced.OnlineRUSBoost -l {TREE}",
}


def predict_with(jar: Path, method: str, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return what a method of MOA predicts of each row before it learns the row; it has one seed of its own.

    Raises
    ------
    RuntimeError
        If it does not predict every row.
    """
    java = shutil.which("java")
    if java is None:
        raise RuntimeError(f"java must be on the path to run {method}: install it, or leave out --moa")
    with tempfile.TemporaryDirectory() as folder:
        rows, predictions = Path(folder) / "rows.arff", Path(folder) / "predictions.txt"
        columns = "".join(f"@attribute x{j} numeric\n" for j in range(X.shape[1]))
        labels = ",".join(map(str, range(y.max() + 1)))
        lines = "\n".join(",".join(map(repr, [*x, c])) for x, c in zip(X.tolist(), y.tolist(), strict=True))
        rows.write_text(f"@relation rows\n{columns}@attribute class {{{labels}}}\n@data\n{lines}\n")
        task = (
            f"EvaluatePrequential -l ({MOA[method]}) -s (ArffFileStream -f {rows}) -i {len(y)} -f {len(y)} "
            f"-o {predictions}"
        )
        found = subprocess.run([java, "-cp", str(jar), "moa.DoTask", task], capture_output=True, text=True, check=False)
        told = predictions.read_text().split() if predictions.exists() else []
        if len(told) != len(y):
            raise RuntimeError(f"{method} predicted {len(told)} of {len(y)} rows: {found.stderr.strip()[-300:]}")
    return np.array([int(float(line.split(",")[0])) for line in told])
