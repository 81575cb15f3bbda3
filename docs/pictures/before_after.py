"""Draw the README's picture: rare rows of real data before and after over-sampling. `make pictures` runs it."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow.parquet as pq

mpl.use("agg")
import matplotlib.pyplot as plt

from resampler import SMOTE

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "examples" / "turbofan" / "data" / "turbofan.parquet"
FEATURES = {"s_4": "s_4: temperature at the turbine's outlet, °R", "s_12": "s_12: fuel flow : pressure, pps/psi"}
ENGINES, RATIO = 10, 0.3
GREY, ORANGE, BLUE = "#c4c4c4", "#d95f02", "#1f6fb4"


def main() -> None:
    """Draw it."""
    table = pq.read_table(DATA).to_pandas()
    table = table[table["unit"] <= ENGINES]
    X = table[list(FEATURES)].to_numpy(dtype=np.float64)
    y = table["fails_within_15"].to_numpy()
    unit = X.std(axis=0)
    sampler = SMOTE(sampling_strategy=RATIO, random_state=42)
    X_resampled, y_resampled = sampler.fit_resample(X / unit, y)
    made = X_resampled[len(X) :] * unit
    base, neighbor = X[sampler.provenance_.base], X[sampler.provenance_.neighbor]
    rare, others = X[y == 1], X[y == 0]
    assert (y_resampled[len(X) :] == 1).all()

    figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), sharex=True, sharey=True, layout="constrained")
    for panel in panels:
        panel.scatter(*others.T, s=6, color=GREY, linewidths=0)
        panel.scatter(*rare.T, s=12, color=ORANGE, linewidths=0, zorder=4)
        panel.set_xlabel(FEATURES["s_4"])
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(FEATURES["s_12"])
    panels[0].set_title(f"Before: {len(rare) / len(X):.0%} of the rows are rare", loc="left")
    panels[1].set_title(f"After: {(len(rare) + len(made)) / (len(X) + len(made)):.0%}", loc="left")
    for parents in zip(base, neighbor, strict=True):
        panels[1].plot(*np.transpose(parents), color=BLUE, alpha=0.2, linewidth=0.6, zorder=2)
    panels[1].scatter(*made.T, s=9, color=BLUE, linewidths=0, zorder=3)
    marks = {
        f"{len(others):,} flights far from failure": GREY,
        f"{len(rare):,} within 15 flights of it": ORANGE,
        f"{len(made):,} synthetic, each between two of the orange": BLUE,
    }
    handles = [plt.Line2D([], [], color=color, marker="o", linestyle="", label=label) for label, color in marks.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(HERE / "before-after.png", dpi=96, pil_kwargs={"optimize": True})


if __name__ == "__main__":
    main()
