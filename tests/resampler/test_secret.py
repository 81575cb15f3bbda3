"""Secret keys: read from a place, mixed into seeds, never shown."""

import copy
import pickle

import pytest

from resampler.errors import InvalidInputError
from resampler.secret import SecretKey, draw_seed

SECRET = "0123456789abcdef" * 2


def test_equal_secrets_mix_equally_wherever_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("A_KEY", SECRET)
    (tmp_path / "key").write_text(SECRET + "\n")
    keys = [SecretKey.read(at) for at in ("A_KEY", "env:A_KEY", str(tmp_path / "key"), f"file:{tmp_path}/key")]
    assert len({(key.mix(7), key.fingerprint) for key in keys}) == 1
    assert keys[0] == keys[3]
    assert len({keys[0].mix(seed) for seed in range(1_000)}) == 1_000
    assert 0 <= keys[0].mix(2**64 - 1) < 2**64
    assert draw_seed(7, None) == 7
    assert draw_seed(7, keys[0]) == keys[0].mix(7)


def test_another_secret_mixes_otherwise():
    first, second = SecretKey(SECRET.encode()), SecretKey(SECRET.encode() + b"0")
    assert first.mix(0) != second.mix(0)
    assert first != second
    with pytest.raises(InvalidInputError, match=f"fraud version 1 was made with the secret key {first.fingerprint}"):
        second.check(first.fingerprint, "fraud version 1")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:NO_SUCH", "there is no environment variable 'NO_SUCH'"),
        ("file:/no/such", "there is no file '/no/such'"),
        ("NO_SUCH", "there is no environment variable or file 'NO_SUCH'"),
        ("env:SHORT", "at least 16 bytes, got 3 in env:SHORT"),
        ("file:short", "at least 16 bytes, got 0 in file:short"),
        ("short", "at least 16 bytes, got 0 in file:short"),
        ("env:FILLED", "at least 6 different bytes, got 1 in env:FILLED"),
        ("file:.", "there is no file '.' \\(Is a directory\\)"),
        ("file:long", "the file 'long' has more than 1,048,576 bytes"),
        ("file:/dev/zero", "the file '/dev/zero' has more than"),
    ],
)
def test_what_is_no_key_is_said(reference, said, monkeypatch, tmp_path):
    monkeypatch.setenv("SHORT", "abc")
    monkeypatch.setenv("FILLED", "x" * 32)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short").write_bytes(b"\n\n")
    (tmp_path / "long").write_bytes(b"0123456789" * 10**6)
    with pytest.raises(InvalidInputError, match=said):
        SecretKey.read(reference)


def test_a_secret_in_place_of_its_name_is_not_said_again():
    for given in (SECRET, f"{SECRET}\0", f"env:{SECRET}", f"file:{SECRET}"):
        with pytest.raises(InvalidInputError, match="of the name that was given") as error:
            SecretKey.read(given)
        assert SECRET[:8] not in str(error.value)


@pytest.mark.parametrize("secret", ["correct horse battery staple", "/q8Zr0wK+Yt1hU5b", "/q8Zr0wK/Yt1hU5bLxC7v"])
def test_nor_is_a_passphrase_nor_what_looks_like_a_path(secret, tmp_path):
    with pytest.raises(InvalidInputError, match="of the name that was given"):
        SecretKey.read(secret)
    with pytest.raises(InvalidInputError, match=str(tmp_path / "key-2 of team 4")):
        SecretKey.read(str(tmp_path / "key-2 of team 4"))


def test_a_secret_is_bytes():
    with pytest.raises(InvalidInputError, match="must be bytes, got str") as error:
        SecretKey(SECRET)
    assert SECRET[:8] not in str(error.value)


def test_no_pickle_and_no_representation_holds_the_secret(monkeypatch):
    monkeypatch.setenv("A_KEY", SECRET)
    key = SecretKey.read("A_KEY")
    pickled = pickle.dumps(key)
    assert SECRET.encode() not in pickled
    assert key._root not in pickled
    assert pickle.loads(pickled) == key  # noqa: S301 - made above
    assert copy.deepcopy(key) is key
    assert SECRET not in repr(key)
    with pytest.raises(InvalidInputError, match="not pickled"):
        pickle.dumps(SecretKey(SECRET.encode()))
