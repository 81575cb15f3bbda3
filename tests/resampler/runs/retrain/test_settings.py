"""What a policy can say wrong is said before anything is run."""

import pytest

from resampler.errors import ResamplerError
from resampler.runs.retrain.settings import PLACEHOLDERS, Settings, filled


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name", '"a b"', "snapshot name must be a letter"),
        ("name", "1", "snapshot name must be a letter"),
        ("catalog", '""', "catalog must be a directory or a URI, got ''"),
        ("catalog", '"c"\nrepo = "r"', "needs a repo or a catalog, one of them"),
        ("label", '"y"\nlabels = 1', "has no setting 'labels': it has .*entity_df"),
        ("label", '"y"\njson = true', "has no setting 'json'"),
        ("seed", "true", "seed must be a number, text or a list"),
        ("seed", "{a = 1}", "seed must be a number, text or a list"),
        ("seed", '1\nfull-feature-names = "yes"', "full-feature-names must be true or false, got 'yes'"),
        ("command", '""', "command must be a list of words, or one line of them, got ''"),
        ("command", '"python \'train"', "No closing quotation"),
        ("command", "[]", "command must be a list of words"),
        ("command", "[1]", "command must be a list of words"),
        ("command", "3", "command must be a list of words"),
        ("command", '["python", "{versoin}"]', r"\{versoin\} in '\{versoin\}' is no placeholder: have alias, baseline"),
        ("command", '["x"]\ntimeout_s = -1', "timeout_s must be a number, 0 or more, got -1"),
        ("command", '["x"]\ninputs = [1]', "inputs must be a list of paths"),
        ("command", '["x"]\ninputs = ["none"]', r"\[train\] inputs of policy .*none' is not there"),
        ("command", '["x"]\noutput = "model"', "output must be a directory of this machine with {key} in its name"),
        ("command", '["x"]\noutput = "s3://b/{key}"', "output must be a directory of this machine"),
        ("command", '["x"]\npredictions = "rows.parquet"', "predictions must be in {output}, for a file that is there"),
        ("command", '["x"]\nshell = true', r"\[train\] of policy .* has no setting 'shell'"),
        ("recall", "2", r"\[gate\] of policy .*recall"),
        ("precision", '0.8\n[alias]\nname = "v3"', "alias must be a letter .* got 'v3'"),
        ("precision", '0.8\n[retrain]\nagainst = "a"\nstream = "b"', "give one of against, stream"),
        ("precision", "0.8\n[retrain]\nwait_s = nan", "wait_s must be a number, 0 or more, got nan"),
    ],
)
def test_what_is_refused(old, new, message, world):
    world.set_policy(**{old: new})
    with pytest.raises(ResamplerError, match=message) as found:
        Settings.read(world.policy)
    assert "\n" not in str(found.value)
    assert found.value.exit_code == 2


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("name", r"\[snapshot\] of policy .* needs a name"),
        ("catalog", "needs a repo or a catalog"),
        ("command", r"\[train\] of policy .* needs a command"),
    ],
)
def test_what_is_missing(gone, message, world):
    text = (world.path / "policy.toml").read_text().splitlines()
    (world.path / "policy.toml").write_text("\n".join(line for line in text if not line.startswith(f"{gone} = ")))
    with pytest.raises(ResamplerError, match=message):
        Settings.read(world.policy)


def test_a_policy_says_where_a_secret_is_and_not_the_secret(world):
    world.set_policy(seed="7\nsecret_key = 'env:PAY_KEY'")
    assert "--secret-key env:PAY_KEY" in " ".join(Settings.read(world.policy).create)
    world.set_policy(seed="7\nsecret-key = 'hunter2hunter2hunter2'")
    with pytest.raises(ResamplerError, match="must be 'env:NAME' or 'file:PATH'") as found:
        Settings.read(world.policy)
    assert "hunter2" not in str(found.value)


def test_paths_are_the_policys_own_and_options_are_those_of_create(world, monkeypatch):
    world.set_policy(seed="7\nfeatures = ['a', 'b']\nfull_feature_names = true\nmissing = 'inherit'")
    monkeypatch.chdir("/")
    settings = Settings.read(world.policy)
    assert settings.base == world.path
    assert settings.place == {"catalog": str(world.path / "catalog")}
    assert settings.home.path == str(world.path / "catalog" / "t")
    words = " ".join(settings.create)
    for said in ("--entity-df rows.parquet", "--features a,b", "--full-feature-names", "--missing inherit", "--seed 7"):
        assert said in words
    assert settings.alias == "prod"


def test_a_command_is_a_line_or_words_and_only_names_in_braces_are_filled(world):
    world.set_policy(command="\"python -c 'print(1)' {output}\"")
    assert Settings.read(world.policy).train.command == ("python", "-c", "print(1)", "{output}")
    values = dict.fromkeys(PLACEHOLDERS, "x")
    assert filled('{output}/{"a": 1} {} {0}', values) == 'x/{"a": 1} {} {0}'
