"""Data and models are located, pinned, and checked before use."""

import base64
import hashlib
import json
import pickle
import re
import socketserver
import threading
import traceback
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from satiety.core.asset import Asset
from satiety.core.errors import AssetError, ParamsError, UnreachableError
from satiety.core.files import digest, manifest, sha256
from satiety.core.section import Section
from satiety.ingest.assets import MAX_BYTES, MODEL_FILES, copy_model, data_files, pin

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = Path("data/raw")
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "模型"
    folder.mkdir()
    for name in MODEL_FILES[:4]:
        (folder / name).write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"weights": 1}))
    (folder / "modeling_evil.py").write_text("raise SystemExit")
    return folder


def make_pinned_asset(folder: Path) -> Asset:
    hashes = {name: value for name, value in manifest(folder).items() if name in MODEL_FILES}
    return Asset(uri=f"local://{folder}", sha256=digest(hashes))


def list_names(asset: Asset, raw: Path) -> list[str]:
    with data_files(asset, raw) as files:
        return [name for name, _ in files]


class TestTheUri:
    @pytest.mark.parametrize(
        ("uri", "message"),
        [
            ("tweets.csv", "the scheme is missing; write file:, package:, hf:org/name@commit, or a URL"),
            ("hf:org/name", "pin a commit of 40 hex digits"),
            ("hf:org/name@main", "pin a commit of 40 hex digits"),
            (f"hf:../../etc@{COMMIT}", "pin a commit"),
            ("https://bob:${BOB}@host/x.csv", "write {NAME} without the dollar sign"),
        ],
    )
    def test_an_incomplete_uri_is_refused_with_advice(self, uri: str, message: str) -> None:
        with pytest.raises(ValueError, match=re.escape(message)):
            Asset(uri=uri)

    def test_a_digest_is_64_hex_digits(self) -> None:
        with pytest.raises(ValueError, match="String should match pattern"):
            Asset(uri="https://x.org/a", sha256="abc")

    def test_a_secret_is_not_written_into_params_yaml(self, tmp_path: Path) -> None:
        """Nor does the message show it, which names the line and the replacement."""

        class One(Section):
            asset: Asset

        path = tmp_path / "params.yaml"
        path.write_text("one:\n  asset:\n    uri: https://bob:hunter2@host/x.csv?sig=Ab3\n")
        with pytest.raises(ParamsError) as caught:
            One.load(path)
        message = str(caught.value)
        assert message.startswith(
            f"{path}:3: one.asset.uri: the address contains a secret, which DVC would copy into dvc.lock"
        )
        assert "name in braces: https://bob:{PASSWORD}@host/x.csv?sig={SIG}" in message
        assert "hunter2" not in message
        assert "Ab3" not in message


class TestFile:
    def test_one_file_a_folder_and_a_pattern(self, raw: Path) -> None:
        for name in ("b.csv", "a.csv", "子/c.csv", "notes.txt", ".gitkeep"):
            (raw / name).parent.mkdir(exist_ok=True)
            (raw / name).write_text("text\n")
        assert list_names(Asset(uri="file:data/raw/a.csv"), raw) == ["data/raw/a.csv"]
        assert list_names(Asset(uri="file:data/raw/*.csv"), raw) == ["data/raw/a.csv", "data/raw/b.csv"]
        below = [f"data/raw/{name}" for name in ("a.csv", "b.csv", "notes.txt", "子/c.csv")]
        assert list_names(Asset(uri="file:data/raw"), raw) == below

    @pytest.mark.parametrize("name", ["a.csv", "*.csv", ""])
    def test_a_pin_that_is_given_is_checked(self, raw: Path, name: str) -> None:
        (raw / "a.csv").write_text("text\n")
        file_hash = sha256(raw / "a.csv")
        pin = file_hash if name == "a.csv" else digest({"a.csv": file_hash})
        uri = f"file:data/raw/{name}".rstrip("/")
        assert list_names(Asset(uri=uri, sha256=pin), raw) == ["data/raw/a.csv"]
        with pytest.raises(AssetError, match=r"but params.yaml has"):
            list_names(Asset(uri=uri, sha256="0" * 64), raw)

    def test_a_missing_file_is_reported_with_the_files_that_exist(self, raw: Path) -> None:
        (raw / "微博.csv").write_text("text\n")
        for uri in ("file:data/raw/weibo.csv", "file:data/raw/*.tsv"):
            with pytest.raises(AssetError, match=re.escape(f"{uri}: no such file; data/raw/ contains: 微博.csv")):
                list_names(Asset(uri=uri), raw)

    @pytest.mark.parametrize("path", ["secret.csv", "data/raw/../../secret.csv", "/etc/passwd", "data/raw/link.csv"])
    def test_a_path_outside_the_raw_folder_is_refused(self, raw: Path, path: str) -> None:
        Path("secret.csv").write_text("text\n")
        (raw / "link.csv").symlink_to(Path("secret.csv").resolve())
        with pytest.raises(AssetError, match="is outside data/raw/, where DVC does not track it"):
            list_names(Asset(uri=f"file:{path}"), raw)

    def test_a_link_in_a_folder_that_leads_out_is_refused(self, raw: Path) -> None:
        Path("secret.csv").write_text("text\n")
        (raw / "set").mkdir()
        (raw / "set" / "link.csv").symlink_to(Path("secret.csv").resolve())
        with pytest.raises(AssetError, match=r"link\.csv links to .*secret\.csv, outside data/raw/set/"):
            list_names(Asset(uri="file:data/raw/set"), raw)

    @pytest.mark.parametrize("link", ["a.csv", "b.csv"])
    def test_a_link_that_a_pattern_finds_and_that_leads_out_is_refused(self, raw: Path, link: str) -> None:
        Path("secret.csv").write_text("text\n")
        (raw / "one.csv").write_text("text\n")
        (raw / link).symlink_to(Path("secret.csv").resolve())
        with pytest.raises(AssetError, match=rf"{link} links to .*secret\.csv, outside data/raw/; replace the link"):
            list_names(Asset(uri="file:data/raw/*.csv"), raw)

    def test_a_link_within_the_watched_folder_is_read(self, raw: Path) -> None:
        (raw / "one.csv").write_text("text\n")
        (raw / "b.csv").symlink_to("one.csv")
        assert list_names(Asset(uri="file:data/raw/*.csv"), raw) == ["data/raw/b.csv", "data/raw/one.csv"]

    def test_a_folder_that_is_linked_to_from_a_folder_is_not_entered(self, raw: Path, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other/secret.csv").write_text("text\n")
        (raw / "set").mkdir()
        (raw / "set/one.csv").write_text("text\n")
        (raw / "set/link").symlink_to(tmp_path / "other")
        assert list_names(Asset(uri="file:data/raw/set"), raw) == ["data/raw/set/one.csv"]

    def test_an_empty_folder_is_refused(self, raw: Path) -> None:
        with pytest.raises(AssetError, match=r"file:data/raw: the folder is empty"):
            list_names(Asset(uri="file:data/raw"), raw)


class TestPackage:
    @pytest.fixture(autouse=True)
    def package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = tmp_path / "site" / "some_tweets"
        (folder / "corpora").mkdir(parents=True)
        (folder / "__init__.py").write_text("raise RuntimeError('imported')")
        (folder / "corpora" / "a.csv").write_text("text\n你好\n")
        (tmp_path / "site" / "secret.csv").write_text("text\n")
        monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def test_a_file_is_found_without_importing_the_package(self, raw: Path, tmp_path: Path) -> None:
        pin = sha256(tmp_path / "site/some_tweets/corpora/a.csv")
        asset = Asset(uri="package:some_tweets/corpora/a.csv", sha256=pin)
        assert list_names(asset, raw) == ["package:some_tweets/corpora/a.csv"]

    def test_without_a_pin_it_says_which_to_write(self, raw: Path, tmp_path: Path) -> None:
        pin = sha256(tmp_path / "site/some_tweets/corpora/a.csv")
        with pytest.raises(AssetError, match=f"not pinned; add its current digest.*\n  sha256: {pin}"):
            list_names(Asset(uri="package:some_tweets/corpora/a.csv"), raw)

    def test_a_changed_file_is_refused(self, raw: Path) -> None:
        asset = Asset(uri="package:some_tweets/corpora/a.csv", sha256="0" * 64)
        with pytest.raises(
            AssetError, match=f"has changed: its sha256 is [0-9a-f]{{64}}, but params.yaml has {'0' * 64}"
        ):
            list_names(asset, raw)

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("no_such_package/a.csv", "no_such_package is not installed; install it"),
            ("some.tweets/a.csv", "invalid package name 'some.tweets'"),
            ("../x/a.csv", "invalid package name '..'"),
            ("some_tweets/nothing.csv", "some_tweets contains no 'nothing.csv'"),
            ("some_tweets/../secret.csv", "some_tweets contains no '../secret.csv'"),
        ],
    )
    def test_a_missing_package_or_file_is_named(self, raw: Path, path: str, message: str) -> None:
        with pytest.raises(AssetError, match=re.escape(message)):
            list_names(Asset(uri=f"package:{path}", sha256="0" * 64), raw)


class TestUrls:
    def test_a_relative_local_path_is_read_in_place(self, raw: Path) -> None:
        Path("共享.csv").write_text("text\n")
        asset = Asset(uri="local://共享.csv", sha256=sha256(Path("共享.csv")))
        with data_files(asset, raw) as files:
            assert [(name, path.resolve()) for name, path in files] == [
                ("local://共享.csv", Path("共享.csv").resolve())
            ]

    def test_a_folder_is_pinned_by_all_its_files(self, raw: Path) -> None:
        for name in ("set/a.csv", "set/b/c.csv"):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text("text\n")
        asset = Asset(uri="local://set", sha256=digest(manifest(Path("set"))))
        assert list_names(asset, raw) == ["local://set/a.csv", "local://set/b/c.csv"]
        Path("set/b/c.csv").write_text("other\n")
        with pytest.raises(AssetError, match="local://set: the source has changed: its sha256 is"):
            list_names(asset, raw)

    def test_any_fsspec_file_system_is_read(self, raw: Path) -> None:
        import fsspec

        fsspec.filesystem("memory").pipe("/包/a.csv", b"text\n")
        Path("same.csv").write_bytes(b"text\n")
        assert list_names(Asset(uri="memory:///包/a.csv", sha256=sha256(Path("same.csv"))), raw) == [
            "memory:///包/a.csv"
        ]

    def test_a_file_is_read_over_http(self, raw: Path, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("text\n")
        with serving(partial(Quiet, directory=str(tmp_path))) as url:
            assert list_names(Asset(uri=f"{url}/a.csv", sha256=sha256(tmp_path / "a.csv")), raw) == [f"{url}/a.csv"]
            with pytest.raises(AssetError, match=r"nothing\.csv: cannot read"):
                list_names(Asset(uri=f"{url}/nothing.csv", sha256="0" * 64), raw)

    @pytest.mark.parametrize("uri", ["local://nothing.csv", "memory:///nothing", "nosuch://bucket/a"])
    def test_a_source_that_cannot_be_read_is_named(self, raw: Path, uri: str) -> None:
        with pytest.raises(AssetError, match=re.escape(f"{uri}: cannot read: ")):
            list_names(Asset(uri=uri, sha256="0" * 64), raw)


class TestSecretsInUrls:
    """Secrets are filled in from the environment, and no name or message shows them."""

    @pytest.fixture(autouse=True)
    def secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BOB_PASSWORD", "hunter2%2F%C3%A4")
        monkeypatch.setenv("SIG", "signature7")

    @pytest.fixture
    def url(self) -> Iterator[str]:
        with serving(Guarded) as url:
            yield url.replace("://", "://bob:{BOB_PASSWORD}@")

    def test_a_file_behind_a_password_is_read_and_named_without_the_password(self, raw: Path, url: str) -> None:
        uri = f"{url}/a.csv"
        with data_files(Asset(uri=uri, sha256=SHA), raw) as files:
            ((name, path),) = files
            assert (name, path.read_text(), path.name) == (uri, "text\n", "a.csv")

    def test_a_signed_address_is_read_and_its_signature_is_in_no_path(self, raw: Path, url: str) -> None:
        with data_files(Asset(uri=f"{url}/a.csv?sig={{SIG}}", sha256=SHA), raw) as files:
            ((name, path),) = files
            assert (name, path.name) == (f"{url}/a.csv?sig={{SIG}}", "a.csv")
            assert "signature7" not in str(path)

    @pytest.mark.parametrize(
        ("kind", "code"),
        [*((AssetError, code) for code in (401, 403, 410)), *((UnreachableError, code) for code in (429, 500, 503))],
    )
    def test_every_http_error_is_one_message_without_secrets(
        self, raw: Path, url: str, code: int, kind: type[AssetError]
    ) -> None:
        uri = f"{url}/{code}?sig={{SIG}}"
        with pytest.raises(AssetError) as caught:
            list_names(Asset(uri=uri, sha256=SHA), raw)
        assert type(caught.value) is kind
        printed_error = "".join(traceback.format_exception(caught.value))
        assert str(caught.value).startswith(f"{uri}: cannot read: {code}")
        assert not [word for word in ("hunter2", "signature7", "%C3%A4") if word in printed_error]

    def test_the_message_about_a_missing_pin_shows_no_secret(self, raw: Path, url: str) -> None:
        with pytest.raises(AssetError, match="not pinned; add its current digest") as caught:
            list_names(Asset(uri=f"{url}/a.csv"), raw)
        assert "hunter2" not in str(caught.value)


class TestModel:
    def test_only_files_that_cannot_run_code_are_copied(self, raw: Path, model: Path) -> None:
        size = copy_model(make_pinned_asset(model), Path("base"), raw)
        assert sorted(manifest(Path("base"))) == sorted(MODEL_FILES[:4])
        assert size == sum(path.stat().st_size for path in Path("base").iterdir())

    def test_the_pin_of_a_model_is_the_digest_of_the_copied_files(self, raw: Path, model: Path) -> None:
        asset = make_pinned_asset(model)
        copy_model(asset, Path("base"), raw)
        assert asset.sha256 == digest(manifest(Path("base")))

    @pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
    def test_a_model_with_custom_code_is_refused(self, raw: Path, model: Path, name: str) -> None:
        (model / name).write_text(json.dumps({"auto_map": {"AutoModel": "modeling_evil.Evil"}}))
        with pytest.raises(AssetError, match=rf"{re.escape(name)} has an `auto_map`: models with custom code"):
            copy_model(make_pinned_asset(model), Path("base"), raw)
        assert not Path("base").exists()

    def test_an_oversize_tokenizer_is_refused(self, raw: Path, model: Path) -> None:
        with (model / "tokenizer.json").open("wb") as file:
            file.truncate(MAX_BYTES["tokenizer.json"] + 1)
        with pytest.raises(AssetError, match=r"tokenizer\.json has 67,108,865 bytes; the limit is 67,108,864"):
            copy_model(make_pinned_asset(model), Path("base"), raw)

    @pytest.mark.parametrize("content", ["not json", "[" * 20_000])
    def test_a_broken_config_is_refused(self, raw: Path, model: Path, content: str) -> None:
        (model / "config.json").write_text(content)
        with pytest.raises(AssetError, match=r"config\.json is not JSON"):
            copy_model(make_pinned_asset(model), Path("base"), raw)

    def test_pickled_weights_are_refused(self, raw: Path, model: Path) -> None:
        (model / "model.safetensors").unlink()
        with pytest.raises(AssetError, match=r"lacks model\.safetensors; the folder contains: .*pytorch_model\.bin"):
            copy_model(make_pinned_asset(model), Path("base"), raw)

    def test_a_single_file_is_refused_as_a_model(self, raw: Path, model: Path) -> None:
        file = model / "config.json"
        with pytest.raises(AssetError, match=r"a base model must be a folder with config\.json"):
            copy_model(Asset(uri=f"local://{file}", sha256=sha256(file)), Path("base"), raw)

    def test_a_link_out_of_its_folder_is_refused(self, raw: Path, model: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("{}")
        (model / "config.json").unlink()
        (model / "config.json").symlink_to(tmp_path / "secret")
        with pytest.raises(AssetError, match=r"config\.json links to .*secret, outside "):
            copy_model(Asset(uri=f"local://{model}", sha256="0" * 64), Path("base"), raw)

    def test_another_digest_leaves_the_old_model_in_place(self, raw: Path, model: Path) -> None:
        copy_model(make_pinned_asset(model), Path("base"), raw)
        with pytest.raises(AssetError, match="sha256 is"):
            copy_model(Asset(uri=f"local://{model}", sha256="0" * 64), Path("base"), raw)
        assert (Path("base") / "config.json").is_file()


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        pass


SHA = hashlib.sha256(b"text\n").hexdigest()


class Guarded(BaseHTTPRequestHandler):
    """Serves `a.csv` to requests with the password; any other path is the status code of its response."""

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        credentials = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode("latin-1")
        if path[1:].isdecimal():
            return self.send_error(int(path[1:]))
        if credentials != "bob:hunter2/ä" or (query and query != "sig=signature7"):
            return self.send_error(401)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"text\n")
        return None


class Hub(BaseHTTPRequestHandler):
    """The part of the Hugging Face hub that one repository at one commit needs."""

    files: dict[str, bytes]

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        kind, _, suffix = self.path.partition("?")[0].partition(f"/revision/{COMMIT}")
        if kind in ("/api/models/org/tiny", "/api/datasets/org/tiny") and not suffix:
            names = [{"rfilename": name} for name in self.files]
            return self.send(json.dumps({"id": "org/tiny", "sha": COMMIT, "siblings": names}).encode(), body=body)
        if "/tree/" in self.path:
            listed = [
                {"type": "file", "path": name, "size": len(data), "oid": sha(data)} for name, data in self.files.items()
            ]
            return self.send(json.dumps(listed).encode(), body=body)
        name = unquote(self.path).partition(f"/resolve/{COMMIT}/")[2]
        if name in self.files and "/org/tiny/resolve/" in self.path:
            return self.send(self.files[name], body=body)
        self.send_error(404)
        return None

    def send(self, data: bytes, *, body: bool) -> None:
        self.send_response(200)
        headers = {"Content-Length": str(len(data)), "ETag": f'"{sha(data)}"', "X-Repo-Commit": COMMIT}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:40]


class serving:  # read as a word: `with serving(handler) as url`
    """A loopback HTTP server for the time of a test."""

    def __init__(self, handler: object) -> None:
        self.server: socketserver.BaseServer = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class TestHub:
    @pytest.fixture(autouse=True)
    def hub(self, model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        import huggingface_hub.constants as hub

        files = {path.name: path.read_bytes() for path in model.iterdir()} | {"data/训练.csv": b"text\n"}
        with serving(type("OneHub", (Hub,), {"files": files})) as url:
            monkeypatch.setattr(hub, "ENDPOINT", url)
            template = url + "/{repo_id}/resolve/{revision}/{filename}"
            monkeypatch.setattr(hub, "HUGGINGFACE_CO_URL_TEMPLATE", template)
            monkeypatch.setattr(hub, "HF_HUB_OFFLINE", False)
            yield

    def test_a_model_at_a_commit_is_taken_without_its_pickles_and_code(self, raw: Path) -> None:
        copy_model(Asset(uri=f"hf:org/tiny@{COMMIT}"), Path("base"), raw)
        assert sorted(manifest(Path("base"))) == sorted(MODEL_FILES[:4])

    def test_a_file_of_a_data_set_is_found_by_its_path(self, raw: Path) -> None:
        asset = Asset(uri=f"hf:datasets/org/tiny@{COMMIT}/data/训练.csv")
        with data_files(asset, raw) as files:
            assert [(name, path.read_bytes()) for name, path in files] == [(asset.uri, b"text\n")]

    @pytest.mark.parametrize("path", ["nothing.csv", "../../secret"])
    def test_a_file_missing_from_the_repository_is_named(self, raw: Path, path: str) -> None:
        with pytest.raises(AssetError, match=f"the repository contains no '{re.escape(path)}'"):
            list_names(Asset(uri=f"hf:org/tiny@{COMMIT}/{path}"), raw)

    def test_an_unknown_repository_is_refused(self, raw: Path) -> None:
        with pytest.raises(AssetError, match=f"hf:org/other@{COMMIT}: "):
            copy_model(Asset(uri=f"hf:org/other@{COMMIT}"), Path("base"), raw)


def test_a_pin_is_the_given_sha256_the_commit_or_the_current_digest(raw: Path) -> None:
    (raw / "a.csv").write_text("x")
    assert pin(Asset(uri="s3://b/x.csv", sha256="ab" * 32), raw) == "ab" * 32
    assert pin(Asset(uri=f"hf:datasets/org/name@{COMMIT}/x.csv"), raw) == COMMIT
    assert pin(Asset(uri="file:data/raw/a.csv"), raw) == sha256(raw / "a.csv")
    (raw / "b.csv").write_text("y")
    several = pin(Asset(uri="file:data/raw/*.csv"), raw)
    (raw / "b.csv").write_text("z")
    assert pin(Asset(uri="file:data/raw/*.csv"), raw) != several
