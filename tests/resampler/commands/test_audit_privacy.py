"""`resampler audit privacy`, from rows to what people read."""

import json
from dataclasses import replace

import numpy as np
import plain_attacks
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from feast_plugin import create_snapshot
from resampler import SMOTE
from resampler.commands.audit import audit
from resampler.errors import ResamplerError
from resampler.ledger import Ledger
from resampler.quality.privacy.attacks.catalog import ATTACKS
from resampler.quality.privacy.attacks.times import TIMES
from resampler.runs.latest import latest
from resampler.runs.privacy.kept import last
from resampler.training_set import open_version

N = 400


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    plain_attacks.use(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def rows(n=N, start=0):
    rng = np.random.default_rng(start)
    rare = np.arange(n) % 4 == 0
    return pa.table(
        {
            "who": start + np.arange(n),
            "at": pa.array(
                np.datetime64("2024-01-01", "us") + np.arange(n).astype("timedelta64[h]"), pa.timestamp("us", "UTC")
            ),
            "amount": rng.normal(size=n) + 1.5 * rare,
            "visits": rng.poisson(30, n),
            "country": np.where(rng.random(n) < 0.5, "FR", "CH"),
            "bad": np.where(rare, "yes", "no"),
        }
    )


def run(*arguments):
    done = CliRunner().invoke(audit, ["privacy", *map(str, arguments)], standalone_mode=False)
    done.code = done.return_value if done.exception is None else getattr(done.exception, "exit_code", 1)
    return done


@pytest.fixture
def files(tmp_path):
    """Write rows of which the synthetic ones are copies of the rare real ones, and held-out rows."""
    real, held_out = rows(), rows(start=1000)
    rare = real.filter(pa.array(np.arange(N) % 4 == 0))
    flags = np.arange(N + N // 4) >= N
    both = pa.concat_tables([real, rare]).append_column("made", pa.array(flags))
    for name, table in (("both", both), ("real", real), ("held", held_out), ("made", rare)):
        pq.write_table(table, tmp_path / f"{name}.parquet")
    return tmp_path


LABEL = ["--label", "bad", "--drop", "who,at"]


def test_one_file_with_a_flag(files):
    done = run(files / "both.parquet", "--synthetic-column", "made", *LABEL, "--held-out", files / "held.parquet")
    assert done.code == 3, done.exception
    text = " ".join(done.stdout.split())
    assert "Class yes: 100 synthetic rows of 100 real ones, 1 each; control: 100 held-out rows." in text
    assert "same rows: rebuilt 100 of 100 real rows exactly" in text
    assert "What would lower it, measured on the same real rows, resampled in memory:" in text
    assert max(map(len, done.stdout.splitlines())) <= 120


def test_a_pair_says_the_same_and_a_limit_can_be_moved(files):
    pair = [files / "made.parquet", "--real", files / "real.parquet", "--held-out", files / "held.parquet", *LABEL]
    done = run(*pair, "--json", "--no-what-if")
    said = json.loads(done.stdout)
    assert (done.code, said["outcome"], said["what_if"]) == (3, "no", [])
    flagged = run(
        files / "both.parquet", "--synthetic-column", "made", *LABEL, "--held-out", files / "held.parquet",
        "--json", "--no-what-if",
    )  # fmt: skip
    other = json.loads(flagged.stdout)
    assert other["attacks"] == said["attacks"]
    assert run(*pair, "--exact", 1, "--near", 1, "--attack", "same rows").code == 0
    (files / "policy.toml").write_text("[privacy]\nmembership_auc = 1.0\n")
    assert run(*pair, "--policy", files / "policy.toml").code == 0


def test_no_control_is_not_enough_to_tell(files):
    asked = [files / "both.parquet", "--synthetic-column", "made", *LABEL, "--near", 0.01]
    done = run(*asked)
    assert done.code == 0, done.exception
    assert "no row was held out" in " ".join(done.stdout.split())
    assert run(*asked, "--strict").code == 3


@pytest.fixture
def version(tmp_path):
    create_snapshot(
        tmp_path / "c", name="t", entity_df=rows(1_200), join_keys=["who"], label="bad", timestamp="at", ratio=1.0,
        seed=3, split="time:0.6,0.2,0.2",
    )  # fmt: skip
    return tmp_path / "c"


def test_a_version_is_audited_and_what_is_said_is_kept(version):
    done = run("--snapshot", "t", "--catalog", version, "--json")
    said = json.loads(done.stdout)
    assert done.code in (0, 3), done.exception
    (of,) = said["classes"]
    assert (of["name"], of["real"], of["held_out"]) == ("yes", 180, 120)
    assert of["copies"]["most"] >= of["copies"]["mean"] == of["synthetic"] / 180
    opened = open_version("t", catalog=str(version))
    (kept,) = Ledger(opened.home / "ledger").runs("privacy")
    assert (kept.outcome, kept.subject) == (said["outcome"], "t version 1")
    assert kept.details["attacks"] == said["attacks"]
    line = latest(opened.home, opened.digest)["privacy"]
    assert line.startswith(kept.details["said"])
    assert last(opened.home, opened.digest) == line
    assert last(opened.home, "another") == f"not audited yet (another version was, t version 1: {line})"


def test_a_version_by_an_attack_on_its_times(version):
    done = run("--snapshot", "t:1", "--catalog", version, "--attack", "nearness", "--class", "yes")
    assert done.code in (0, 3), done.exception
    assert "t version 1" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "give one of FILE, --snapshot and --stream"),
        (["both.parquet"], 2, "--label names the column"),
        (["both.parquet", *LABEL], 2, "which rows are real is not said"),
        (["both.parquet", *LABEL, "--synthetic-column", "amount"], 1, "must be true or false in every row"),
        (["both.parquet", *LABEL, "--synthetic-column", "made", "--class", "no"], 1, "--class 'no' has no synthetic"),
        (["both.parquet", *LABEL, "--synthetic-column", "made", "--attack", "x"], 2, "there is no attack 'x'"),
        (["both.parquet", *LABEL, "--synthetic-column", "made", "--near", "2"], 2, "near must be a number, 0 to 1"),
        (["both.parquet", *LABEL, "--synthetic-column", "made", "--budget", "x"], 2, "--budget must be a time"),
        (["both.parquet", *LABEL, "--real", "none.parquet"], 1, "there is no such file"),
        (["both.parquet", *LABEL, "--redis", "redis://x"], 2, "--redis says where a stream is"),
        (["--stream", "s", "--seed", "1"], 2, "--seed is for files"),
    ],
)
def test_what_is_refused(files, monkeypatch, arguments, code, message):
    monkeypatch.chdir(files)
    done = run(*arguments)
    assert isinstance(done.exception, ResamplerError), done.output
    assert done.code == code
    assert message in str(done.exception)


def test_mixed_types_are_read_by_one_code(files, tmp_path):
    real = pq.read_table(files / "real.parquet")
    made = real.filter(pa.array(np.arange(N) % 4 == 0))
    made = made.set_column(made.column_names.index("country"), "country", made["country"].dictionary_encode())
    pq.write_table(made.append_column("extra", pa.nulls(len(made))), tmp_path / "made2.parquet")
    pair = [tmp_path / "made2.parquet", "--real", files / "real.parquet", *LABEL, "--json", "--no-what-if"]
    refused = run(*pair)
    assert "the real rows have no column 'extra'" in str(refused.exception)
    said = json.loads(run(*pair, "--features", "amount,visits,country").stdout)
    assert said["attacks"][0]["exact"]["share"] == 1.0


def test_estimators_rows_with_their_seed(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 3)), np.repeat([0, 1], [240, 60])
    grown, labels = SMOTE(random_state=1).fit_resample(X, y)
    columns = {f"f{j}": grown[:, j] for j in range(3)} | {"y": labels, "made": np.arange(len(grown)) >= 300}
    pq.write_table(pa.table(columns), tmp_path / "grown.parquet")
    done = run(
        tmp_path / "grown.parquet", "--label", "y", "--synthetic-column", "made", "--seed", 1, "--k-neighbors", 5,
        "--method", "smote", "--no-what-if",
    )  # fmt: skip
    assert done.code == 0, done.exception


def test_a_run_that_is_interrupted_says_where_it_goes_on(version, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    first, *_, last_one = ATTACKS
    whole = ATTACKS[last_one]
    monkeypatch.setitem(ATTACKS, last_one, replace(whole, run=interrupt))
    asked = ["--snapshot", "t", "--catalog", version, "--resume", tmp_path / "kept", "--no-what-if", "--json"]
    done = run(*asked)
    assert done.code == 1
    assert f"what ended is kept in {tmp_path / 'kept'}: the same command again goes on" in done.stderr
    monkeypatch.setitem(ATTACKS, last_one, whole)
    monkeypatch.setitem(ATTACKS, first, replace(ATTACKS[first], run=interrupt))
    assert run(*asked).code in (0, 3)


def test_times_and_keys_of_a_version_name_nobody_and_copied_ones_do(files, monkeypatch):
    monkeypatch.setitem(ATTACKS, TIMES.name, TIMES)
    create_snapshot(files / "v", name="t", entity_df=rows(), label="bad", join_keys=["who"], timestamp="at", ratio=0.8)
    asked = "--attack", TIMES.name, "--no-what-if", "--json"
    named = json.loads(run("--snapshot", "t", "--catalog", files / "v", *asked).stdout)["attacks"][0]["named"]
    assert named["interval"][0] < 0.05
    flagged = "--synthetic-column", "made", "--label", "bad", "--drop", "who", "--time", "at"
    copied = run(files / "both.parquet", *flagged, *asked)
    assert copied.code == 3
    assert json.loads(copied.stdout)["attacks"][0]["named"]["count"] == N // 4


def test_an_audit_that_is_stopped_goes_on_attack_by_attack(files):
    common = [files / "both.parquet", *LABEL, "--synthetic-column", "made", "--held-out", files / "held.parquet"]
    common += ["--no-what-if", "--json"]
    whole = run(*common, "--resume", files / "whole")
    late = [len(ATTACKS)]
    while late[-1]:
        done = run(*common, "--resume", files / "parts", "--max-seconds", "0.001")
        said = json.loads(done.stdout)
        late.append(sum(attack["state"] == "late" for attack in said["attacks"]))
        assert late[-1] < late[-2]  # one attack at least
        assert done.code == (3 if said["outcome"] == "no" else 4)
    del said["cost"]
    assert said == json.loads(whole.stdout)


def test_an_audit_of_a_version_that_is_stopped_exits_with_4_unless_a_limit_is_broken(tmp_path):
    keys = {"join_keys": ["who"], "timestamp": "at"}
    create_snapshot(tmp_path, name="t", entity_df=rows(), label="bad", ratio=0.5, **keys)
    loose = [word for name in ("exact", "near", "tpr", "named", "membership-auc") for word in (f"--{name}", "1")]
    words = ["--snapshot", "t:1", "--catalog", tmp_path, "--max-seconds", "0.001"]
    done = run(*words, *loose, "--resume", tmp_path / "store")
    assert done.code == 4, done.exception
    assert "stopped by --max-seconds; the same command again goes on" in done.stderr
    (kept,) = Ledger(tmp_path / "t" / "ledger").runs("privacy")
    assert kept.outcome == "stopped"
    assert kept.details["cost"]["cpu_seconds"] >= 0
