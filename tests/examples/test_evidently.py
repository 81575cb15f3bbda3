import json
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feast_plugin import create_snapshot


def test_the_export_finds_the_feature_that_moved(example, run, rows, tmp_path):
    made = {"label": "fails_within_15", "join_keys": ["unit"], "timestamp": "event_timestamp"}
    create_snapshot(
        tmp_path / "catalog", name="turbofan", entity_df=str(rows), ratio=0.3, split="group:unit:0.8,0.1,0.1", **made
    )
    today = pq.read_table(rows)
    moved = pc.add(today["s_2"], pa.scalar(1.0, today["s_2"].type))  # two standard deviations
    pq.write_table(today.set_column(today.column_names.index("s_2"), "s_2", moved), tmp_path / "today.parquet")
    run([sys.executable, str(example("evidently_export.py")), "catalog", "turbofan", "today.parquet", "drift.html"])
    metrics = json.loads((tmp_path / "drift.json").read_text())["metrics"]
    drift = {one["config"]["column"]: one["value"] for one in metrics if "column" in one["config"]}
    assert len(drift) == 25
    assert [name for name, value in drift.items() if value > 0.1] == ["s_2"]
    assert "s_2" in (tmp_path / "drift.html").read_text()
