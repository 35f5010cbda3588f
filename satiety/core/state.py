"""A workspace -> its state folder, and where DVC keeps its own state of a project; both are their owner's alone.

DVC keeps pickles there and loads what it finds (CVE-2025-69872), and it makes the folder writable for every user of the
machine where it is missing. So each of our commands makes it first, or closes it.
"""

import hashlib
import logging
import os
import shutil
import stat
from pathlib import Path

from satiety.core.errors import SetupError
from satiety.core.settings import project_root

STATE = Path(".satiety")
"""What is true of this machine and this moment only: timings, locks, checkpoints, the outbox. Never versioned."""
SITE = STATE / "site"
"""What `core.site_cache_dir` of `.dvc/config` names."""
MARKER = ".gitignore"
"""Of `SITE / "repo"`: git brings it with a clone, so that DVC finds the folder and does not make it."""
PRIVATE, WRITABLE, SEARCHABLE = 0o700, stat.S_IWGRP | stat.S_IWOTH, stat.S_IXGRP | stat.S_IXOTH
log = logging.getLogger(__name__)


def prepare_state(folder: Path = Path()) -> Path:
    """Make the state folders of a workspace and of its project, private; return the workspace's.

    Raises:
        SetupError: one cannot be made, or belongs to another user.
    """
    for place in dict.fromkeys((project_root(folder), folder.resolve())):
        _make_private(place / STATE, place / SITE)
    return folder / STATE


def prepare_site(root: Path) -> Path:
    """Make the private folder of DVC's own state of a project; return its absolute path, for DVC changes folders.

    DVC's config can hold ASCII alone (ConfigObj writes no other): of another path it lies in the user's cache.

    Raises:
        SetupError: it cannot be made, or belongs to another user.
    """
    site = root / SITE
    if str(site).isascii():
        prepare_state(root)
        return site
    import platformdirs

    site = platformdirs.user_cache_path("satiety") / hashlib.sha256(str(root).encode()).hexdigest()[:16]
    _make_private(site, site)
    return site


def _make_private(folder: Path, site: Path) -> None:
    """Close a folder; what DVC would unpickle below ``site`` goes where others could write until now."""
    try:
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.getuid():
            raise SetupError(f"{folder}: belongs to another user; remove it, or run this as who owns it")
        suspects = _list_entries(site) if _was_open(stat.S_IMODE(status.st_mode), site) else []
        if stat.S_IMODE(status.st_mode) != PRIVATE:
            folder.chmod(PRIVATE)
        if not suspects:
            return
        if "DVC_STAGE" in os.environ:  # it is in use
            log.warning(
                "%s was open to other users, and DVC read it: it is closed now; remove %s, a cache", folder, site
            )
            return
        for path in suspects:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        reason = f"{os.strerror(error.errno)}" if error.errno else str(error)
        advice = f"it must be a folder of yours, see `ls -ld {folder}`"
        raise SetupError(f"{error.filename or folder}: cannot be made private: {reason}; {advice}") from None
    log.warning("%s was open to other users: DVC's cache in it is removed; DVC makes it anew", folder)


def _was_open(mode: int, site: Path) -> bool:
    """Return whether others could write into a folder of this mode, or below it into what DVC reads."""
    if mode & WRITABLE:
        return True
    paths = [path for path in (site, *site.rglob("*")) if path.exists() and not path.is_symlink()]
    return bool(mode & SEARCHABLE) and any(path.stat().st_mode & WRITABLE for path in paths)


def _list_entries(site: Path) -> list[Path]:
    """Return what DVC would read, or be led by: what lies in the folder, but the marker, or a link in its place."""
    for place in (site, site / "repo"):
        if place.is_symlink():
            return [place]
    return [path for path in site.glob("repo/*") if path.name != MARKER]
