import json

import yaml

PLACES = {
    "{{$.inputs.parameters['label']}}": "fails_within_15",
    "{{$.inputs.parameters['keys']}}": "unit",
    "{{$.inputs.parameters['timestamp']}}": "event_timestamp",
    "{{$.inputs.parameters['ratio']}}": "0.2",
    "{{$.inputs.parameters['seed']}}": "42",
}


def test_the_pipeline_compiles_and_its_step_runs(engine, example, run, rows, tmp_path):
    run([engine("pipelines", "python"), str(example("kubeflow_component.py")), "pipeline.yaml"], PYTHONPATH="")
    compiled = next(yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text()))
    step = compiled["deploymentSpec"]["executors"]["exec-training-set"]["container"]
    there = PLACES | {
        "{{$.inputs.artifacts['rows'].path}}": str(rows),
        "{{$.outputs.artifacts['version'].path}}": "out/version",
        "{{$.outputs.artifacts['printed'].path}}": "out/deep/printed",
    }
    run([*step["command"], *(there.get(word, word) for word in step["args"])])
    printed = json.loads((tmp_path / "out" / "deep" / "printed").read_text())
    assert printed["version"] == 1
    assert (tmp_path / "out" / "version" / "train" / "v0001" / "manifest.json").exists()


def test_the_gate_compiles_alone(engine, example, run, tmp_path):
    source = "import runpy, sys; from kfp import compiler; found = runpy.run_path(sys.argv[1])\n"
    source += "compiler.Compiler().compile(found['gate'], 'gate.yaml')"
    run([engine("pipelines", "python"), "-c", source, str(example("kubeflow_component.py"))], PYTHONPATH="")
    compiled = next(yaml.safe_load_all((tmp_path / "gate.yaml").read_text()))
    words = compiled["deploymentSpec"]["executors"]["exec-gate"]["container"]["args"]
    assert words[1:3] == ["gate", "{{$.inputs.artifacts['predictions'].path}}/predictions.parquet"]
