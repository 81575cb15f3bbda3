"""Hardened versions and releases: nothing that is published comes from fewer real rows than a group has."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from feast_plugin import create_snapshot, forget_entity, prune_snapshot, rebuild_snapshot, verify_snapshot
from feast_plugin.cli import snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.versions.diff import diff_snapshot
from feast_plugin.versions.report import report_snapshot
from resampler.commands.audit import audit
from resampler.errors import CorruptStateError, DataError, InvalidInputError
from resampler.runs.privacy.versions import parts_of_version
from resampler.secret import SecretKey
from resampler.training_set import open_version

KEY = SecretKey(b"sixteen bytes or more")
START = np.datetime64("2024-03-01", "us")
NUMBERS = ("amount", "score", "visits")


def rows(n=800, seed=3):
    """Rows whose numbers and times each stand once, but for a category that three rare rows have."""
    rng = np.random.default_rng(seed)
    fraud = (np.arange(n) % 8 == 0).astype(np.int64)
    country = rng.choice(["CH", "DE", "FR"], n).astype(object)
    country[[0, 8, 16]] = "ZZ"
    return pa.table(
        {
            "customer": np.arange(n) // 4 + 1,
            "id": np.arange(n) + 100_000,
            "at": pa.array(
                START + rng.permutation(n).astype("m8[h]") + np.timedelta64(17, "s"), pa.timestamp("us", "UTC")
            ),
            "amount": rng.gamma(2.0, 30.0, n) + 500 * fraud,
            "score": rng.random(n).astype(np.float32) + fraud.astype(np.float32),
            "visits": rng.permutation(n) + 2_000 * fraud,
            "country": pa.array(country.tolist()),
            "fraud": fraud,
        }
    )


@pytest.fixture
def create(tmp_path):
    pq.write_table(rows(), tmp_path / "rows.parquet")

    def made(**options):
        common = {"name": "pay", "entity_df": tmp_path / "rows.parquet", "label": "fraud", "ratio": 0.5}
        common |= {"join_keys": ["customer", "id"], "timestamp": "at", "sampler": "hardened", "secret_key": KEY}
        return create_snapshot(tmp_path / "cat", **common | options)

    return made


def published(version):
    """Return the training rows of a version, and all that its other files say, as text."""
    place = Path(version.uri)
    train = pq.read_table(place / "train" / "part-00000.parquet")
    texts = [file.read_text() for file in place.iterdir() if file.suffix in (".json", ".html")]
    return train, "\n".join(texts)


def test_a_release_holds_no_value_of_a_real_rare_row(create, tmp_path):
    made = create(release=True)
    train, said = published(made)
    assert [*made.manifest.splits] == ["train"]
    real = train.filter(pc.invert(train["is_synthetic"]))
    assert set(real["fraud"].to_pylist()) == {0}
    table = rows()
    rare = table.filter(pc.equal(table["fraud"], 1))
    held = {name: {str(value) for value in rare[name].to_pylist()} for name in (*NUMBERS, "id")}
    words = set(re.findall(r"[-\w.]+", said))
    for name, values in held.items():
        assert not values & words, name
        if name != "visits":  # whole numbers meet by chance
            assert not values & {str(value) for value in train[name].to_pylist()}, name
    assert not set(rare["at"].to_pylist()) & set(train["event_timestamp"].to_pylist())
    assert "ZZ" not in said
    assert "ZZ" not in train["country"].to_pylist()
    counts = made.manifest.splits["train"].classes
    assert counts["1"] == {"real": 0, "synthetic": counts["0"]["real"] // 2}
    assert made.manifest.training_rows["1"] == np.count_nonzero(
        np.asarray(rare["at"]) < np.max(train["event_timestamp"])
    )


def test_how_well_hardened_rows_are_told_has_an_interval_by_groups(create):
    (told,) = create().manifest.notes["detectability"].values()
    assert 0 < told["low"] < told["area"] < told["high"] < 1


def test_times_of_hardened_rows_are_within_training_and_nobodys(create):
    made = create()
    train, _ = published(made)
    synthetic = train.filter(train["is_synthetic"])
    real = train.filter(pc.invert(train["is_synthetic"]))
    assert not set(synthetic["event_timestamp"].to_pylist()) & set(real["event_timestamp"].to_pylist())
    assert max(synthetic["event_timestamp"].to_pylist()) <= max(real["event_timestamp"].to_pylist())
    mean = [float(np.mean(one["event_timestamp"].cast("int64"))) for one in (synthetic, real)]
    assert abs(mean[0] - mean[1]) < 0.2 * float(np.ptp(real["event_timestamp"].cast("int64")))


def test_bounds_are_those_of_a_group(create):
    made = create(split="stratified:0.6,0.2,0.2")
    train, _ = published(made)
    real = train.filter(pc.invert(train["is_synthetic"]))
    grid = made.manifest.grids["visits"]
    ascending = sorted(real["visits"].to_pylist())
    assert grid["step"] == 1
    assert ascending[0] not in (grid.get("low"), grid.get("high"))
    synthetic = train.filter(train["is_synthetic"])
    assert max(synthetic["visits"].to_pylist()) <= (grid.get("high") or np.inf)


def test_lineage_says_which_rows_are_synthetic_and_nothing_of_groups(create, tmp_path):
    made = create(release=True)
    lineage = pq.read_table(Path(made.uri) / "lineage.parquet")
    assert lineage.column_names == ["row"]
    assert made.manifest.format == 5  # which earlier releases say that they do not know
    assert made.manifest.notes["groups"]["1"]["bases"] >= 2
    assert "bases" not in made.manifest.notes
    tags = json.loads((tmp_path / "cat" / "pay" / "datasets.json").read_text())
    assert '"resampler.sampler": "hardened"' in json.dumps(tags)
    assert '"resampler.release": "True"' in json.dumps(tags)


@pytest.mark.parametrize("release", [False, True])
def test_a_version_is_verified_rebuilt_and_drawn_again(create, tmp_path, release):
    made = create(release=release)
    assert verify_snapshot(tmp_path / "cat", name="pay").problems == ()
    page = (Path(made.uri) / "report.html").read_bytes()
    assert report_snapshot(name="pay", root=tmp_path / "cat") == page
    file = Path(made.uri) / "train" / "part-00000.parquet"
    data = file.read_bytes()
    file.unlink()
    again = rebuild_snapshot(tmp_path / "cat", name="pay", secret_key=KEY)
    assert again.source == "store"
    assert file.read_bytes() == data
    with pytest.raises(InvalidInputError, match="was made with the secret key"):
        rebuild_snapshot(tmp_path / "cat", name="pay")
    (tmp_path / "rows.parquet").unlink()
    if release:
        with pytest.raises(DataError):
            rebuild_snapshot(tmp_path / "cat", name="pay", secret_key=KEY)
    else:
        assert rebuild_snapshot(tmp_path / "cat", name="pay", secret_key=KEY).source == "version"


def test_the_same_release_comes_out_again_and_another_key_makes_another(create):
    first, again = create(release=True), create(release=True, name="other")
    assert first.digest == again.digest
    assert create(release=True).reused
    other = create(release=True, secret_key=SecretKey(b"another sixteen bytes"))
    assert (other.version, other.digest == first.digest) == (2, False)


def test_two_versions_are_compared(create, tmp_path):
    create()
    create(release=True)
    found = diff_snapshot(1, 2, name="pay", root=tmp_path / "cat")
    assert found["synthetic"] is None
    assert found["synthetic_unknown"].startswith("version 1 is hardened")
    assert found["parameters"]["release"] == [None, True]


def test_forget_finds_an_entity_behind_the_groups_of_a_release(create, tmp_path):
    made = create(release=True, split="stratified:0.6,0.2,0.2")
    other = create(split="stratified:0.6,0.2,0.2")
    table = pq.read_table(Path(other.uri) / "train" / "part-00000.parquet")
    rare = table.filter(pc.and_(pc.invert(table["is_synthetic"]), pc.equal(table["fraud"], 1)))
    prune_snapshot(tmp_path / "cat", name="pay", version=2)
    train, said = published(made)
    entity = rare["id"][5].as_py()
    assert entity not in train["id"].to_pylist()
    assert str(entity) not in said
    with pytest.raises(InvalidInputError, match="was made with the secret key"):
        forget_entity(tmp_path / "cat", name="pay", entity=f"id={entity}")
    with pytest.raises(DataError, match="is unknown"):
        forget_entity(tmp_path / "cat", name="pay", entity="id=5", secret_key=KEY)
    done = forget_entity(tmp_path / "cat", name="pay", entity=f"id={entity}", secret_key=KEY)
    assert [(one.version, one.replaced_by) for one in done] == [(1, None)]
    assert "create it again" in done[0].reason
    with pytest.warns(SnapshotWarning, match="1 rows of entities that were forgotten"):
        again = create(release=True, split="stratified:0.6,0.2,0.2")
    assert again.digest != made.digest
    (Path(again.uri) / "withheld.json").write_text("{}")
    with pytest.raises(CorruptStateError, match="nobody can say whose rows"):
        forget_entity(tmp_path / "cat", name="pay", entity="id=100001", secret_key=KEY)


def test_a_hardened_version_that_needs_no_synthetic_row_verifies(create, tmp_path):
    made = create(ratio=0.01, if_reached="publish")
    assert made.manifest.splits["train"].synthetic == 0
    assert verify_snapshot(tmp_path / "cat", name="pay").ok


def test_forget_makes_a_hardened_version_anew(create, tmp_path):
    made = create()
    done = forget_entity(tmp_path / "cat", name="pay", entity="customer=1", secret_key=KEY)
    assert [one.replaced_by for one in done] == [2]
    assert made.manifest.parameters["group_size"] == 10
    assert verify_snapshot(tmp_path / "cat", name="pay").ok


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"secret_key": None}, "'hardened' needs a secret key"),
        ({"group_size": 5}, "consent with small_groups"),
        ({"group_size": 4, "small_groups": True}, "group_size must be"),
        ({"clean": "tomek"}, "goes without clean"),
        ({"sampler": "smote", "release": True}, "release goes with sampler 'hardened'"),
        ({"sampler": None, "group_size": 12}, "group_size goes with sampler 'hardened'"),
        ({"release": True, "group_by": "country"}, "release goes with no group_by"),
        ({"release": True, "retain": "recipe"}, "release goes with retain 'full'"),
        ({"release": True, "if_reached": "publish"}, "release goes with if_reached 'refuse'"),
        ({"audit_sample": 3}, "hardened rows have none"),
    ],
)
def test_what_does_not_go_with_it_is_refused(create, tmp_path, options, said):
    with pytest.raises(InvalidInputError, match=said):
        create(**options)
    assert not [*(tmp_path / "cat").glob("pay/v*")]


def test_a_class_of_fewer_than_two_groups_is_refused(create):
    with pytest.raises(DataError, match="two groups of 60"):
        create(group_size=60)
    small = create(group_size=5, small_groups=True)
    assert small.manifest.parameters["small_groups"] is True


def test_what_is_measured_of_a_release_is_said_or_refused_in_a_line(create, tmp_path):
    made = create(release=True)
    version = open_version("pay", catalog=str(tmp_path / "cat"))
    counts = version.class_counts
    assert counts == made.class_counts
    assert version.sample is None
    with pytest.raises(DataError, match=r"pay version 1 is a release, .*: resampler audit privacy .*--real FILE"):
        parts_of_version(version)


def test_create_of_a_release_says_the_command_that_audits_it(create, tmp_path):
    create(release=True)
    asked = ["create", "--catalog", tmp_path / "cat", "--name", "pay", "--ratio", 0.5, "--label", "fraud"]
    asked += ["--entity-df", tmp_path / "rows.parquet", "--join-keys", "customer,id", "--timestamp", "at"]
    asked += ["--sampler", "hardened", "--release", "--secret-key", tmp_path / "key"]
    (tmp_path / "key").write_bytes(b"sixteen bytes or more")
    done = CliRunner().invoke(snapshot, [str(one) for one in asked])
    assert done.exit_code == 0, done.output
    assert "worth it?" not in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if "given away?" in line)
    command = shlex.split(line.partition(": ")[2])
    files = {"--real": rows(), "--held-out": rows(seed=4)}
    for at, table in files.items():
        pq.write_table(table.rename_columns({"at": "event_timestamp"}), tmp_path / f"{at}.parquet")
        command[command.index(at) + 1] = str(tmp_path / f"{at}.parquet")
    audited = CliRunner().invoke(audit, [*command[2:], "--attack", "lines"], standalone_mode=False)
    assert (audited.return_value, audited.exception) == (0, None), audited.output


@pytest.mark.parametrize(("keys", "several"), [(["customer", "id"], False), (["customer"], True)])
def test_entities_of_several_rows_are_said(tmp_path, create, keys, several):
    table = rows()
    pair = pa.array(np.arange(len(table)) // 16)  # two rare rows, and others, are of one customer
    pq.write_table(table.set_column(0, "customer", pair), tmp_path / "rows.parquet")
    notes = create(join_keys=keys).manifest.notes["privacy"]
    assert any("some entities have several of a class" in note for note in notes) == several
