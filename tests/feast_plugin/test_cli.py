"""The command line in a process of its own, and a reader that has nothing but Feast."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from resampler.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "turbofan"

READER = """
import json, sys, warnings
warnings.simplefilter("ignore")
from feast import FeatureStore
out = {}
for name in sys.argv[2:]:
    frame = FeatureStore(sys.argv[1]).get_saved_dataset(name).to_df()
    out[name] = {
        "rows": len(frame), "synthetic": int(frame["is_synthetic"].sum()),
        "positive": int(frame["fails_within_15"].sum()),
        "columns": sorted(frame.columns), "dtypes": {c: str(t) for c, t in frame.dtypes.items()},
        "units": sorted(set(frame["unit"][~frame["is_synthetic"]].tolist())),
    }
assert not [m for m in sys.modules if m.split(".")[0] in ("resampler", "feast_plugin")]
print(json.dumps(out))
"""


@dataclasses.dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def resampler(monkeypatch, capfd):
    """The command in this process, which has paid for importing Feast."""

    def call(*words, config=None):
        options = ["--config", str(config)] if config else []
        monkeypatch.setattr(sys, "argv", ["resampler", *options, "snapshot", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
        return Done(code, *capfd.readouterr())

    return call


@pytest.fixture(scope="module")
def turbofan(tmp_path_factory):
    home = tmp_path_factory.mktemp("turbofan")
    shutil.copytree(EXAMPLE, home, dirs_exist_ok=True)
    repo = home / "feature_repo"
    subprocess.run([Path(sys.executable).with_name("feast"), "apply"], cwd=repo, check=True, capture_output=True)
    return home


def arguments(home, **changes):
    options = {
        "repo": home / "feature_repo", "name": "turbofan", "feature-service": "turbofan",
        "entity-df": home / "data" / "turbofan.parquet", "label": "fails_within_15", "ratio": 0.3, "seed": 42,
        "split": "group:unit:0.7,0.15,0.15", "root": home / "snapshots",
    } | {key.replace("_", "-"): value for key, value in changes.items()}  # fmt: skip
    return ["create", *(word for key, value in options.items() for word in (f"--{key}", value)), "--json"]


@pytest.fixture(scope="module")
def created(turbofan):
    command = [Path(sys.executable).with_name("resampler"), "snapshot", *map(str, arguments(turbofan))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_create_prints_one_object(created):
    assert list(created) == ["name", "version", "digest", "reused", "datasets", "counts", "findings", "cost"]
    assert created["version"] == 1
    assert created["reused"] is False
    assert created["datasets"] == {s: f"turbofan_v0001_{s}" for s in ("train", "validation", "test")}
    classes = created["counts"]["train"]["classes"]
    assert classes["1"]["real"] == 70 * 15
    assert classes["1"]["real"] + classes["1"]["synthetic"] == int(0.3 * classes["0"]["real"])


@pytest.mark.parametrize("offline", ["duckdb", "dask"])
def test_plain_feast_reads_it_back_whole(turbofan, created, offline):
    config = turbofan / "feature_repo" / "feature_store.yaml"
    before = config.read_text()
    config.write_text(before.replace("duckdb", offline))
    try:
        done = subprocess.run(
            [sys.executable, "-c", READER, config.parent, *created["datasets"].values()],
            capture_output=True, text=True, cwd="/",
        )  # fmt: skip
    finally:
        config.write_text(before)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    sensors = [f"s_{i}" for i in range(1, 22)] + [f"setting_{i}" for i in range(1, 4)]
    seen = []
    for split, name in created["datasets"].items():
        counts, back = created["counts"][split], read[name]
        assert back["columns"] == sorted([*sensors, "unit", "event_timestamp", "fails_within_15", "is_synthetic"])
        assert {back["dtypes"][s] for s in sensors} == {"float32"}
        assert (back["rows"], back["synthetic"]) == (counts["rows"], counts["synthetic"])
        assert back["positive"] == sum(counts["classes"]["1"].values())
        seen += back["units"]
    assert sorted(seen) == list(range(1, 101))


def test_a_second_run_reuses_the_version_and_another_seed_makes_the_next(turbofan, created, resampler):
    again = json.loads(resampler(*arguments(turbofan)).stdout)
    assert again.pop("cost")["cpu_seconds"] > 0, "its own"
    assert again == {name: value for name, value in created.items() if name != "cost"} | {"reused": True}
    other = json.loads(resampler(*arguments(turbofan, seed=43)).stdout)
    assert (other["version"], other["reused"]) == (2, False)
    assert other["digest"] != created["digest"]


def test_every_option_reaches_the_version(turbofan, created, resampler):
    """From a file of options; where snapshots are kept is left to the repository."""
    config = turbofan / "resampler.toml"
    config.write_text(
        '[snapshot.create]\nclean = "tomek"\ngroup-by = "unit"\nundersample = 0.2\nk-neighbors = 3\nsampler = "smote"\n'
        'retain = "recipe"\nfull-feature-names = true\nmissing = "complete"\ngrid = "off"\n'
    )
    words = arguments(turbofan, name="options")
    at = words.index("--root")
    made = resampler(*words[:at], *words[at + 2 :], config=config)
    assert made.returncode == 0, made.stderr
    shown = json.loads(resampler("show", "--repo", turbofan / "feature_repo", "--name", "options", "--json").stdout)
    assert shown["parameters"] == {
        "algorithm": 4, "clean": "tomek", "grid": "off", "group_by": "unit", "k_neighbors": 3, "missing": "complete",
        "sampler": "smote", "split": "group:unit:0.7,0.15,0.15", "subgroups": "within", "undersample": 0.2,
    }  # fmt: skip
    assert (shown["retain"], shown["columns"]["full_feature_names"]) == ("recipe", True)
    tags = ("feast", "-c", str(turbofan / "feature_repo"), "saved-datasets", "list", "--tags", "resampler.clean:tomek")
    listed = subprocess.run([Path(sys.executable).with_name(tags[0]), *tags[1:]], capture_output=True, text=True)
    assert "options_v0001_train" in listed.stdout, listed.stderr
    assert json.loads(made.stdout)["datasets"]["train"] == "options_v0001_train"


def test_wrong_usage_is_told_from_bad_data(turbofan, created, resampler):
    start = ["--entity-df", turbofan / "data" / "turbofan.parquet", "--start-date", "2024-01-01"]
    for words, code, message in (
        (start, 2, "either an entity frame or a span of time"),
        (["--clean", "magic"], 2, "'--clean': 'magic' is not one of 'tomek', 'enn'"),
        (["--group-by", "nope"], 2, "group_by must be a join key or a feature"),
        (["--entity-df", "SELECT 1 AS a"], 2, "takes no SQL entity frame"),
        (["--feature-service", "nope"], 1, "feature service 'nope' is not in project"),
        (["--k-neighbors", 5_000], 1, "needs at least 5001 rows"),
    ):
        done = resampler(*arguments(turbofan, name="refused"), *words)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert message in done.stderr
    assert not (turbofan / "snapshots" / "refused" / "v0001").exists()


def test_k_is_an_alias_for_one_release(turbofan, created, resampler):
    old, new = (resampler(*arguments(turbofan), word, 7, "--retain", "recipe") for word in ("--k", "--k-neighbors"))
    assert (old.returncode, new.returncode) == (0, 0), old.stderr + new.stderr
    made, reused = json.loads(old.stdout), json.loads(new.stdout)
    assert reused == made | {"reused": True, "cost": reused["cost"]}
    assert "--k is called --k-neighbors now" in old.stderr
    assert "--k is called" not in new.stderr


WRONG = {
    "--ratio 3": "ratio must be in (0, 1]",
    "--undersample 4": "undersample must be in (0, 1]",
    "--split random:1": "split 'random:1' is unknown",
    "--sampler magic": "'--sampler': 'magic' is not one of 'smote'",
    "--clean magic": "'--clean': 'magic' is not one of 'tomek'",
    "--name ../x": "snapshot name must be",
    "--features amount --name y": "give either feature_service or features",
    "--start-date 2024-01-01": "not both",
    "--k 3 --k-neighbors 4": "give --k-neighbors alone",
    "--entity-df frame.txt": "must be a .parquet, .csv or .sql file",
    "--entity-df absent.parquet": "there is no such file",
    "--repo /": "has no feature_store.yaml",
    "--catalog /tmp": "give one of --repo, --catalog",
    "--join-keys unit": "join_keys is for a plain catalogue",
}


def without_feast(*words):
    """The command where importing Feast fails, in a process of its own."""
    code = "import sys; sys.modules['feast'] = None; from resampler.cli import main; main()"
    command = [sys.executable, "-c", code, "snapshot", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("words", WRONG)
def test_wrong_usage_is_told_before_feast_is_imported(turbofan, created, words):
    done = without_feast(*arguments(turbofan), *words.split())
    assert WRONG[words] in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == (1 if "absent" in words else 2)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("verify --name nope", 1, "snapshot 'nope' has no version under"),
        ("verify --name turbofan --version 99", 1, "snapshot 'turbofan' has no version 99"),
        ("rebuild --name turbofan --entity-df frame.txt", 2, "must be a .parquet, .csv or .sql file"),
        ("rebuild --name nope", 1, "snapshot 'nope' has no version under"),
        ("prune --name nope --keep 1", 1, "snapshot 'nope' has no version under"),
        ("prune --name turbofan --version 99", 1, "snapshot 'turbofan' has no version 99"),
        ("prune --name turbofan", 2, "either --version or --keep"),
        ("forget --name nope --entity 1", 1, "snapshot 'nope' has no version under"),
        ("diff 1 99 --name turbofan", 1, "snapshot 'turbofan' has no version 99"),
        ("list --name nope", 1, "snapshot 'nope' has no version under"),
        ("show --name nope", 1, "snapshot 'nope' has no version under"),
    ],
)
def test_a_snapshot_or_version_that_is_unknown_is_an_error(turbofan, created, words, code, message):
    where = ["--repo", turbofan / "feature_repo", "--root", turbofan / "snapshots"]
    done = without_feast(*words.split(), *where)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert not (turbofan / "snapshots" / "nope").exists()


def test_list_show_and_verify(turbofan, created, resampler):
    where = ["--name", "turbofan", "--root", turbofan / "snapshots"]
    repo = ["--repo", turbofan / "feature_repo"]
    listed = json.loads(resampler("list", "--root", turbofan / "snapshots", "--json").stdout)["snapshots"]
    assert listed[0]["digest"] == created["digest"]
    shown = json.loads(resampler("show", *where, "--version", 1, "--json").stdout)
    assert shown["digest"] == created["digest"]
    assert shown["seed"] == 42
    good = resampler("verify", *repo, *where, "--version", 1, "--json")
    assert good.returncode == 0
    assert json.loads(good.stdout)["ok"] is True

    part = turbofan / "snapshots" / "turbofan" / "v0001" / "test" / "part-00000.parquet"
    before = part.read_bytes()
    part.write_bytes(before[:-1] + b"?")
    try:
        bad = resampler("verify", *repo, *where, "--version", 1, "--json")
    finally:
        part.write_bytes(before)
    assert bad.returncode == 1
    assert "test/part-00000.parquet has sha256" in json.loads(bad.stdout)["problems"][0]


def test_list_goes_on_past_a_damaged_version(turbofan, created, resampler):
    damaged = turbofan / "snapshots" / "broken" / "v0003" / "manifest.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("[" * 100_000)
    try:
        told = resampler("list", "--root", turbofan / "snapshots")
        data = resampler("list", "--root", turbofan / "snapshots", "--json")
    finally:
        shutil.rmtree(turbofan / "snapshots" / "broken")
    assert (told.returncode, data.returncode) == (1, 1)
    assert [line.split()[:2] for line in told.stdout.splitlines()[:2]] == [["name", "version"], ["turbofan", "1"]]
    assert "broken  version 3  damaged: " in told.stdout
    assert "restore it from a copy, or prune the version" in told.stderr
    assert "Traceback" not in told.stderr
    found = json.loads(data.stdout)
    assert found["snapshots"][0]["digest"] == created["digest"]
    assert [(one["name"], one["version"]) for one in found["damaged"]] == [("broken", 3)]


def test_forget_and_what_create_says_afterwards(turbofan, created, resampler):
    words = arguments(turbofan, name="private", seed=1)
    where = ["--repo", turbofan / "feature_repo", "--root", turbofan / "snapshots", "--name", "private"]
    assert resampler(*words).returncode == 0
    unknown = resampler("forget", *where, "--entity", "unit=101")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "entity 'unit=101' is unknown" in unknown.stderr
    done = resampler("forget", *where, "--entity", "unit=5")
    assert done.returncode == 0, done.stderr
    assert "replaced by version 2" in done.stdout
    assert "every later create leaves unit=5 out" in done.stdout
    again = resampler("forget", *where, "--entity", "5", "--json")
    assert json.loads(again.stdout)["versions"] == []
    made = resampler(*words)
    assert made.returncode == 0, made.stderr
    assert "Note: 269 rows of entities that were forgotten (by unit) were left out" in made.stderr
    real = sum(c["real"] for c in json.loads(made.stdout)["counts"].values())
    assert real == 20_631 - 269


def test_errors_are_one_line_with_their_exit_code(turbofan, created, resampler):
    reached = resampler(*arguments(turbofan, ratio=0.01))
    assert (reached.returncode, reached.stdout) == (3, "")
    assert "already reached" in reached.stderr
    assert "Traceback" not in reached.stderr
    absent = resampler(*arguments(turbofan, label="nope"))
    assert absent.returncode == 1
    assert "Error: label 'nope'" in absent.stderr
    nowhere = resampler(*arguments(turbofan, repo=turbofan))
    assert nowhere.returncode == 2
    assert "feature_store.yaml" in nowhere.stderr
    traversal = resampler("show", "--name", "../etc", "--root", turbofan)
    assert traversal.returncode == 2


def test_a_repository_that_feast_cannot_open_is_one_line(turbofan, tmp_path, resampler):
    (tmp_path / "feature_store.yaml").write_text("project: x\nprovider: local\nregistry: none.db\n")
    unapplied = resampler(*arguments(turbofan, repo=tmp_path))
    assert unapplied.returncode == 1
    assert "feature service 'turbofan' is not in project 'x'; it has none" in unapplied.stderr
    (tmp_path / "feature_store.yaml").write_text("project: [")
    broken = resampler(*arguments(turbofan, repo=tmp_path))
    assert broken.returncode == 2
    assert "cannot be opened" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_without_feast_the_answer_is_the_command_that_installs_it(turbofan, created):
    """`list` and `show` need no Feast; what does need it says so."""
    where = ["--name", "turbofan", "--root", str(turbofan / "snapshots")]
    shown = without_feast("show", *where, "--version", "1", "--json")
    assert json.loads(shown.stdout)["digest"] == created["digest"]
    verified = without_feast("verify", "--repo", str(turbofan / "feature_repo"), *where)
    assert verified.returncode == 2
    assert "pip install 'feast-resampler[feast]'" in verified.stderr
    assert "Traceback" not in verified.stderr


def test_the_options_that_a_file_may_hold_are_those_of_the_help(tmp_path, resampler):
    config = tmp_path / "options.toml"
    config.write_text("[snapshot.create]\nratios = 1\n")
    done = resampler("create", config=config)
    assert done.returncode == 2
    told = done.stderr.partition("have ")[2].strip().split(", ")
    shown = resampler("create", "--help", config=config)
    assert shown.returncode == 0
    assert set(told) <= {word[2:] for word in shown.stdout.split() if word[:2] == "--"}
    assert "k" not in told


def test_where_versions_are_must_be_said(tmp_path):
    (tmp_path / "rows.csv").write_text("")
    create = ["create", "--name", "x", "--label", "y", "--join-keys", "id", "--entity-df", tmp_path / "rows.csv"]
    for words, message in (
        (create, "give --repo, --catalog or --root"),
        ([*create, "--root", tmp_path], "give --repo or --catalog: this needs the registry"),
        ([*create, "--catalog", tmp_path / "rows.csv"], "is a file: name a directory"),
        ([*create, "--catalog", tmp_path, "--feature-service", "z"], "feature_service is for a Feast repository"),
        (["verify", "--name", "x", "--catalog", tmp_path], "snapshot 'x' has no version under"),
    ):
        done = without_feast(*words)
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_people_are_told_in_words(turbofan, created, resampler):
    """`list`, `show`, `diff` and `report` need no Feast and no registry."""
    where = ["--name", "turbofan", "--root", turbofan / "snapshots"]
    shown = resampler("show", *where, "--version", 1)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert created["digest"] in shown.stdout
    assert ["sampler", "smote"] in [line.split() for line in shown.stdout.splitlines()]
    same = resampler("diff", 1, 1, *where)
    assert same.stdout.startswith("turbofan version 1 and version 1 are equal: one digest\n")
    assert json.loads(resampler("diff", 1, 1, *where, "--json").stdout)["rows"]["changed"] == 0
    page = turbofan / "page.html"
    drawn = resampler("report", *where, "--version", 1, "--output", page)
    assert drawn.stdout == f"{page}: as the version stores it\n"
    assert page.read_bytes() == (turbofan / "snapshots" / "turbofan" / "v0001" / "report.html").read_bytes()
    nowhere = resampler("report", *where, "--output", turbofan / "absent" / "page.html")
    assert nowhere.returncode == 2
    assert "name another file" in nowhere.stderr
