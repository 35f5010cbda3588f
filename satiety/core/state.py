"""State folder of a workspace, and the folder for DVC's own state; both with mode 0700.

DVC loads pickles from its folder (CVE-2025-69872), and creates it writable for every user of the machine. So every
command creates the folder first, or removes the write permission of other users.
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
"""Local, unversioned state: timings, locks, checkpoints, the outbox."""
SITE = STATE / "site"
"""Value of `core.site_cache_dir` in `.dvc/config`."""
MARKER = ".gitignore"
"""Versioned file in `SITE / "repo"`: a clone contains the folder, so DVC does not create it."""
PRIVATE, WRITABLE, SEARCHABLE = 0o700, stat.S_IWGRP | stat.S_IWOTH, stat.S_IXGRP | stat.S_IXOTH
log = logging.getLogger(__name__)


def prepare_state(folder: Path = Path()) -> Path:
    """Create the private state folders of a workspace and of its project; return the workspace's.

    Raises:
        SetupError: a folder cannot be created, or belongs to another user.
    """
    for place in dict.fromkeys((project_root(folder), folder.resolve())):
        _make_private(place / STATE, place / SITE)
    return folder / STATE


def prepare_site(root: Path) -> Path:
    """Create the private folder for DVC's own state; return its absolute path, because DVC changes folders.

    DVC's config is limited to ASCII (ConfigObj), so for a non-ASCII path the folder is in the user's cache.

    Raises:
        SetupError: the folder cannot be created, or belongs to another user.
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
    """Create a folder with mode 0700; remove DVC's cache in ``site`` if other users could write to it before."""
    try:
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.getuid():
            raise SetupError(f"{folder} belongs to another user; remove it, or run the command as its owner")
        suspects = _list_entries(site) if _was_open(stat.S_IMODE(status.st_mode), site) else []
        if stat.S_IMODE(status.st_mode) != PRIVATE:
            folder.chmod(PRIVATE)
        if not suspects:
            return
        if "DVC_STAGE" in os.environ:  # DVC is using the cache
            log.warning(
                "%s was writable by other users, and DVC has read from it; it is private now. After this run, remove "
                "the cache %s",
                folder,
                site,
            )
            return
        for path in suspects:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        reason = f"{os.strerror(error.errno)}" if error.errno else str(error)
        advice = f"it must be a folder that you own, see `ls -ld {folder}`"
        raise SetupError(f"{error.filename or folder}: cannot make it private: {reason}; {advice}") from None
    log.warning("%s was writable by other users; DVC's cache in it was removed, and DVC will rebuild it", folder)


def _was_open(mode: int, site: Path) -> bool:
    """Return whether other users could write to a folder of this mode, or to DVC's files below it."""
    if mode & WRITABLE:
        return True
    paths = [path for path in (site, *site.rglob("*")) if path.exists() and not path.is_symlink()]
    return bool(mode & SEARCHABLE) and any(path.stat().st_mode & WRITABLE for path in paths)


def _list_entries(site: Path) -> list[Path]:
    """Return the files that DVC would read, except the marker; or a symbolic link in place of the folder."""
    for place in (site, site / "repo"):
        if place.is_symlink():
            return [place]
    return [path for path in site.glob("repo/*") if path.name != MARKER]
