"""What is shown of an address, well formed or not, holds no secret."""

import pytest

from resampler.address import split_user, without_secrets
from resampler.errors import InvalidInputError
from resampler.storage import Location


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("/data/a@b:c/x?y", "/data/a@b:c/x?y"),
        ("s3://bucket/a@b/c?secret_key=x", "s3://bucket/a@b/c"),
        ("http://h:80/a:b@c", "http://h:80/a:b@c"),
        ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
        ("redis+sentinel://u:p@a:1,b:2/service", "redis+sentinel://a:1,b:2/service"),
        ("redis+sentinel://a:1,b:2/x@y", "redis+sentinel://a:1,b:2/x@y"),
        ("https://TOKEN@h/x", "https://h/x"),
        *((f"s3://KEY:{secret}@bucket/x", "s3://bucket/x") for secret in ("p", "pa/ss", "/pa", "p#a/s", "p?a/s")),
    ],
)
def test_user_password_and_query_are_cut_off_and_nothing_else(given, shown):
    assert without_secrets(given) == shown


def test_the_secret_key_of_s3_may_hold_a_slash_and_is_not_shown_where_it_cannot_be_used():
    for secret in ("abc/SECRET", "a#SECRET/b", "a?SECRET"):
        with pytest.raises(InvalidInputError) as caught:
            Location.parse(f"s3://KEY:{secret}@bucket/x")
        assert "SECRET" not in str(caught.value)


def test_a_user_is_parted_from_the_host():
    assert split_user("u:p/a@h:1/x") == ("u:p/a", "h:1/x")
    assert split_user("h:1/x") == ("", "h:1/x")
