"""Secrets are taken out wherever they stand: in names, in URLs, in words, and what variables and files hold."""

import time

import pytest

from resampler.incident.secrets import HIDDEN, Secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://me:p4ss@host:6379/0?ssl_ca=/x", "redis://host:6379/0?***"),
        ("https://hooks.example.com/services/T0/B0/abc", "https://hooks.example.com/***"),
        ("http://u:p@host:9090/metrics?token=x is down", "http://host:9090/*** is down"),
        ("s3://bucket/path?access_key=AK&secret_key=SK", "s3://bucket/path?***"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer ***"),
        ("Basic dXNlcjpwYXNz", "Basic ***"),
        ("s3://KEY:abc/def@bucket/x failed", "s3://bucket/x failed"),
        ("no secret: 12, a@b", "no secret: 12, a@b"),
    ],
)
def test_urls_and_headers_show_where_and_no_more(text, shown):
    assert Secrets((), {}).clean(text) == shown


def test_what_the_environment_holds_is_found_anywhere():
    environment = {
        "DB_PASSWORD": "hunter-22",
        "SIGNING_KEY": "k3y-k3y",
        "SOME_TOKEN": "abc",  # too short to be looked for
        "DEBUG_AUTH": "true",
        "STORE": "postgres://feast:w%40rd@db/x?sslkey=other-secret",
        "HOME": "/home/someone",
    }
    secrets = Secrets((), environment)
    found = secrets.clean("a hunter-22 b k3y-k3y c w@rd d w%40rd e other-secret f abc g true h /home/someone")
    assert found == "a *** b *** c *** d *** e *** f abc g true h /home/someone"


def test_a_tree_is_cleaned_by_name_and_by_word(monkeypatch, tmp_path):
    monkeypatch.setenv("KEPT_ELSEWHERE", "sixteen bytes of it")
    (tmp_path / "file").write_text("from a file 77\n")
    config = {
        "stream": {"secret_key": "env:KEPT_ELSEWHERE", "password": "in the open", "url": "redis://x:pw12@h"},
        "retrain": [{"webhook_url": "https://h/x", "slack-token": f"file:{tmp_path / 'file'}"}],
        "n": {"api_key": 123456, "seed": 7, "on": True, "nothing": None},
    }
    secrets = Secrets((), {})
    secrets.add_named(config)
    assert secrets.clean_tree(config) == {
        "stream": {"secret_key": "env:KEPT_ELSEWHERE", "password": HIDDEN, "url": "redis://h"},
        "retrain": [{"webhook_url": HIDDEN, "slack-token": f"file:{tmp_path / 'file'}"}],
        "n": {"api_key": HIDDEN, "seed": 7, "on": True, "nothing": None},
    }
    assert secrets.clean("sixteen bytes of it, in the open, pw12, from a file 77") == "***, ***, ***, ***"


def test_numbers_and_names_that_are_secrets_go_too():
    secrets = Secrets((), {"PIN_SECRET": "998877"})
    assert secrets.clean_tree({"998877": [998877, 1.5, "x998877y"]}) == {HIDDEN: [HIDDEN, 1.5, "x***y"]}


def test_tokens_and_passwords_that_urls_do_not_escape_are_found_anywhere():
    secrets = Secrets(["https://ghp_token@host/x", "redis://me:pa/ss@host:1/0"], {})
    assert secrets.clean("ghp_token and pa/ss") == "*** and ***"


def test_long_words_cost_no_more_than_their_length():
    began = time.process_time()
    Secrets((), {}).clean("a" * 1_000_000)
    assert time.process_time() - began < 5
