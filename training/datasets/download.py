"""What a data set's owners handed out: a folder of files, zip archives and tar archives.

Zip archives are read where they lie. Tar archives have no index, so they are unpacked once, into
the destination, and removed when everything is made.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import shutil
import sys
import tarfile
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any, cast

from motionrgbd.core.errors import OutputError, SourceError

FreeBytes = Callable[[Path], int]

_TARS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
_PART = re.compile(r"(.*)-(\d\d)$")  # one tar cut into NAME-00, NAME-01 ...
_UNREADABLE = (".7z", ".rar", ".001")


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the download: on disk, or in a zip archive."""

    path: str
    archive: Path | None = None

    def __str__(self) -> str:
        return self.path if self.archive is None else f"{self.archive}:{self.path}"

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rpartition("/")[2]

    def read(self) -> bytes:
        """Return what is in it. Raises OSError or zipfile.BadZipFile where it is damaged."""
        if self.archive is None:
            return Path(self.path).read_bytes()
        return _opened(self.archive).read(self.path)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """Some files of one folder, in order: NTU's five million pictures fit in memory as rows."""

    place: str
    archive: Path | None
    names: tuple[str, ...]

    def __iter__(self) -> Iterator[Member]:
        for name in self.names:
            yield Member(f"{self.place}/{name}" if self.place else name, self.archive)


@lru_cache(maxsize=8)
def _opened(archive: Path) -> zipfile.ZipFile:
    """Keep archives open: reading an index takes a second where it lists 300,000 files."""
    return zipfile.ZipFile(archive)


class Download:
    """The files below a folder, those in its zip archives among them, by folder.

    Paths are as if every archive had been unpacked where it lies; `/` parts them everywhere.
    """

    def __init__(self, *roots: Path) -> None:
        self._folders: dict[str, list[str]] = defaultdict(list)
        self._origins: dict[str, tuple[str, Path | None]] = {}
        self.unreadable: list[Path] = []
        for root in roots:
            self._add_tree(root)

    def files(self, pattern: str) -> Iterator[tuple[re.Match[str], Member]]:
        """Yield every file whose path ends in the pattern (from a folder's start), sorted."""
        compiled = re.compile(rf"(?:^|.*/){pattern}$")
        for folder in sorted(self._folders):
            for name in sorted(self._folders[folder]):
                match = compiled.match(f"{folder}/{name}")
                if match:
                    yield match, self._member(folder, name)

    def folders(self, pattern: str, files: str) -> Iterator[tuple[re.Match[str], MemberRow]]:
        """Yield every folder whose path ends in the pattern, with its files that match `files`.

        Files come in the order of the last number in their names.
        """
        compiled, wanted = re.compile(rf"(?:^|.*/){pattern}$"), re.compile(files)
        for folder in sorted(self._folders):
            match = compiled.match(folder)
            if match is None:
                continue
            names = [name for name in self._folders[folder] if wanted.fullmatch(name)]
            if names:
                place, archive = self._origins[folder]
                yield match, MemberRow(place, archive, tuple(sorted(names, key=number_in)))

    def _member(self, folder: str, name: str) -> Member:
        place, archive = self._origins[folder]
        return Member(f"{place}/{name}" if place else name, archive)

    def _add_tree(self, root: Path) -> None:
        for place, names in _walk(root):
            relative = place.relative_to(root).as_posix()
            for name in names:
                path = place / name
                if path.suffix.lower() == ".zip":
                    self._add_zip(path, relative)
                elif path.suffix.lower() in _UNREADABLE:
                    self.unreadable.append(path)
                else:
                    self._add(relative, name, str(place), None)

    def _add_zip(self, archive: Path, at: str) -> None:
        try:
            inside = zipfile.ZipFile(archive).namelist()
        except (OSError, zipfile.BadZipFile) as problem:
            raise SourceError(f"{archive} is damaged ({problem}); download it again") from None
        for path in inside:
            folder, _, name = path.rpartition("/")
            if name:
                self._add(f"{at}/{folder}" if folder else at, name, folder, archive)

    def _add(self, folder: str, name: str, place: str, archive: Path | None) -> None:
        origin = self._origins.setdefault(folder, (place, archive))
        if origin != (place, archive):  # two archives share a folder: keep them apart
            folder = f"{archive or place}/{folder}"
            self._origins.setdefault(folder, (place, archive))
        self._folders[folder].append(sys.intern(name))


def number_in(name: str) -> tuple[int, str]:
    """Return the last number in a file's name, which orders frames: 2 comes before 10."""
    numbers = re.findall(r"\d+", name.rpartition(".")[0])
    return int(numbers[-1]) if numbers else -1, name


def open_download(root: Path, scratch: Path, free_bytes: FreeBytes) -> Download:
    """Return the files of a download; its tar archives are unpacked into `scratch` first.

    Raises `SourceError` for what is missing or damaged, `OutputError` where the disk is too small.
    """
    if root.is_file():
        raise SourceError(f"{root} is a file; name the folder that holds the download")
    if not root.is_dir():
        raise SourceError(f"{root}: no such folder; name the one that holds the download")
    archives = _tars(root)
    for name, parts in archives.items():
        _unpack(parts, scratch / name, free_bytes)
    return Download(root, *(scratch / name for name in archives))


def _tars(root: Path) -> dict[str, list[Path]]:
    """The tar archives by name, each with its parts in order."""
    found: dict[str, list[Path]] = defaultdict(list)
    for place, names in _walk(root):
        for name in names:
            part = _PART.fullmatch(name)
            if name.lower().endswith(_TARS):
                found[name].append(place / name)
            elif part and "." not in name:
                found[part[1]].append(place / name)
    return found


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder with its files, sorted; linked folders too, each once."""
    seen: set[str] = set()
    for place, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link back to where we are
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield Path(place), sorted(names)


def _unpack(parts: Sequence[Path], target: Path, free_bytes: FreeBytes) -> None:
    """Unpack one archive; it counts as unpacked only under its final name."""
    if target.is_dir():
        return
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    make_folder(part)
    need = sum(p.stat().st_size for p in parts)  # pictures do not shrink further
    if parts[0].name.lower().endswith((".gz", ".tgz", ".bz2", ".xz")):
        need *= 2
    check_space(target.parent, need, free_bytes)
    try:
        with BufferedReader(_Joined(parts)) as joined, _decompressed(joined) as file:
            watched = _Watched(file)
            with tarfile.open(fileobj=watched, mode="r|") as archive:  # type: ignore[call-overload]
                archive.extractall(part, filter="data")
            watched.check_end()
    except (tarfile.TarError, EOFError, OSError, lzma.LZMAError, zlib.error) as problem:
        if isinstance(problem, OSError) and problem.errno is not None:
            raise
        names = ", ".join(p.name for p in parts)
        raise SourceError(
            f"{parts[0].parent}: {names} cannot be unpacked ({problem}); is a part missing? "
            "download it again"
        ) from None
    part.rename(target)


def _decompressed(file: BufferedReader[Any]) -> IO[bytes]:
    """Decompress by what the file begins with; tarfile's own way takes a cut-off file for whole."""
    start = file.peek(6)
    if start.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))
    if start.startswith(b"BZh"):
        return bz2.open(file)
    if start.startswith(b"\xfd7zXZ\0"):
        return lzma.open(file)
    return file


class _Watched:
    """A file read from start to end, of which the last block is remembered."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._last = b""

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._last = (self._last + data)[-tarfile.BLOCKSIZE :]
        return data

    def check_end(self) -> None:
        """Raise EOFError where the archive does not end as archives do, in empty blocks."""
        while self.read(1 << 20):
            pass
        if self._last != bytes(tarfile.BLOCKSIZE):
            raise EOFError("it ends too early")


class _Joined(RawIOBase):
    """Reads the parts of one file one after the other."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self._parts = list(parts)
        self._file = self._parts.pop(0).open("rb")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            count = self._file.readinto(buffer)
            if count or not self._parts:
                return count
            self._file.close()
            self._file = self._parts.pop(0).open("rb")

    def close(self) -> None:
        self._file.close()
        super().close()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises `OutputError` where it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(
            f"{folder} cannot be made ({problem.strerror}); choose another folder with --to"
        ) from None


def disk_free(path: Path) -> int:
    """Return the bytes that may still be written where `path` lies."""
    return shutil.disk_usage(path).free


def check_space(path: Path, need: int, free_bytes: FreeBytes) -> None:
    """Raise `OutputError` where fewer than `need` bytes are free at an existing folder."""
    free = free_bytes(path)
    if free < need:
        raise OutputError(
            f"{path} has {free / 1e9:.1f} GB free and about {need / 1e9:.1f} GB are needed; free "
            "some space, or write to another disk with --to. What is made already is kept"
        )
