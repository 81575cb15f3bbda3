import json
import shutil


def test_a_stage_makes_versions_when_what_it_depends_on_changes(engine, example, run, rows, tmp_path):
    dvc = engine("pipelines", "dvc")
    stage = tmp_path / "dvc.yaml"
    shutil.copy(example("dvc.yaml"), stage)
    run(["git", "init", "--quiet"])
    run([dvc, "init", "--quiet"])

    def made():
        run([dvc, "repro", "--quiet"])
        return json.loads((tmp_path / "version.json").read_text())

    first = made()
    assert made() == first  # nothing changed: not even run
    changed = stage.read_text().replace("ratio: 0.3", "ratio: 0.4")
    stage.write_text(changed)
    second = made()
    assert (first["version"], second["version"]) == (1, 2)
    assert {"v0001", "v0002"} <= {one.name for one in (tmp_path / "catalog" / "turbofan").iterdir()}
    stage.write_text(changed.replace("ratio: 0.4", "ratio: 0.3"))
    run([dvc, "repro", "--quiet", "--force"])
    again = json.loads((tmp_path / "version.json").read_text())
    assert (again["version"], again["digest"], again["reused"]) == (1, first["digest"], True)
