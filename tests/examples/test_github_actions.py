import json
import shutil

import yaml


def test_the_workflow_is_valid(engine, example, run):
    run(
        [
            engine("pipelines", "check-jsonschema"),
            "--builtin-schema",
            "vendor.github-workflows",
            str(example("github_actions.yaml")),
        ]
    )


def test_its_steps_retrain_and_say_what_it_came_to(example, run, tmp_path):
    shutil.copytree(example("").parent / "retraining", tmp_path / "retraining")
    shutil.copytree(example("").parent / "turbofan", tmp_path / "turbofan")
    workflow = yaml.safe_load(example("github_actions.yaml").read_text())
    steps = {step["name"]: step["run"] for step in workflow["jobs"]["retrain"]["steps"] if "run" in step}
    assert list(steps) == ["Install", "Retrain", "Say what it came to"]
    summary = tmp_path / "summary.md"
    for name in ("Retrain", "Say what it came to"):
        run(["bash", "-ec", f"cd retraining\n{steps[name]}"], GITHUB_STEP_SUMMARY=str(summary))
    assert json.loads((tmp_path / "retraining" / "retrain.json").read_text())["outcome"] == "pass"
    assert "turbofan" in summary.read_text()
