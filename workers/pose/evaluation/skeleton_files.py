"""Skeletons in NPZ files: what is there, and what somebody says of it.

Truth of T moments and N people:

    at          [T]            seconds, rising
    ids         [N]            whole numbers, each once
    present     [T, N]         whether the person is in the image
    keypoints   [T, N, 17, 3]  x, y in pixels (COCO order); third above 0 where the joint is visible
    heights_px  [T, N]         body heights, the unit of all lengths; above 0 where present

Result of R rows, one for each person and moment, in any order:

    frame       [R]            index into the truth's moments; or instead `at`, seconds, to 1 ms
    id          [R]            whole numbers
    keypoints   [R, 17, 3]     x, y in pixels, confidence
    predicted   [R]            true where the person was not seen at that moment; false if absent

Other arrays are left unread.
"""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.config import ConfigError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# Unpacked, all arrays of a file together: two million person-moments are below it.
MOST_BYTES = 2**30
SAME_MOMENT_S = 1e-3
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass(frozen=True)
class TruthFile:
    """What is there: the arrays of a truth file, as the module says."""

    at: Floats
    ids: Ints
    present: Bools
    keypoints: Floats
    heights_px: Floats


@dataclass(frozen=True)
class ResultFile:
    """What somebody says: the rows of a result file, `frame` an index into the truth's moments."""

    frame: Ints
    id: Ints
    keypoints: Floats
    predicted: Bools


def load_truth(path: Path) -> TruthFile:
    """The truth in a file.

    Raises:
        ConfigError: it cannot be read, or its arrays are not as the module says.
    """
    arrays = _arrays(path, ("at", "ids", "present", "keypoints", "heights_px"))
    at = _shaped(path, arrays, "at", (None,), "f")
    ids = _shaped(path, arrays, "ids", (None,), "i")
    shape = (len(at), len(ids))
    present = _shaped(path, arrays, "present", shape, "b")
    keypoints = _shaped(path, arrays, "keypoints", (*shape, 17, 3), "f")
    heights = _shaped(path, arrays, "heights_px", shape, "f")
    _rule(path, bool(np.isfinite(at).all() and (np.diff(at) > 0).all()), "at must rise and be finite")
    _rule(path, len(np.unique(ids)) == len(ids), "ids must hold each person once")
    _rule(path, bool(np.isfinite(keypoints[present]).all()), "keypoints must be finite where present")
    sized = heights[present]
    _rule(path, bool((np.isfinite(sized) & (sized > 0)).all()), "heights_px must be above 0 where present")
    return TruthFile(at, ids, present, keypoints, heights)


def load_result(path: Path, at: Floats) -> ResultFile:
    """The result in a file, for a truth's moments [T] in seconds.

    Raises:
        ConfigError: it cannot be read, its arrays are not as the module says, or its moments not the truth's.
    """
    arrays = _arrays(path, ("id", "keypoints"), ("frame", "at", "predicted"))
    ids = _shaped(path, arrays, "id", (None,), "i")
    keypoints = _shaped(path, arrays, "keypoints", (len(ids), 17, 3), "f")
    predicted = np.zeros(len(ids), bool)
    if "predicted" in arrays:
        predicted = _shaped(path, arrays, "predicted", (len(ids),), "b")
    if "frame" in arrays:
        frame = _shaped(path, arrays, "frame", (len(ids),), "i")
        _rule(path, bool(((frame >= 0) & (frame < len(at))).all()), f"frame must be in 0 to {len(at) - 1}")
    elif "at" in arrays:
        frame = _moments(path, _shaped(path, arrays, "at", (len(ids),), "f"), at)
    else:
        raise ConfigError(f"{path}: has neither frame nor at: give the moment of each row")
    _rule(path, bool(np.isfinite(keypoints).all()), "keypoints must be finite: leave out rows without")
    _rule(
        path,
        len(np.unique(np.stack([frame, ids], axis=1), axis=0)) == len(ids),
        "a person must have one row a moment",
    )
    return ResultFile(frame, ids, keypoints, predicted)


def _arrays(path: Path, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, NDArray[Any]]:
    """The named arrays of a file; what claims to be too large is not unpacked, and nothing is unpickled."""
    found: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            missing = [name for name in required if f"{name}.npy" not in members]
            if missing:
                raise ConfigError(f"{path}: lacks {', '.join(missing)}: see nexara evaluate skeletons --help")
            wanted = [name for name in (*required, *optional) if f"{name}.npy" in members]
            size = sum(members[f"{name}.npy"].file_size for name in wanted)
            if size > MOST_BYTES:
                raise ConfigError(f"{path}: {size >> 20} MiB unpacked, {MOST_BYTES >> 20} at most: split it")
            for name in wanted:
                found[name] = _array(path, name, archive.read(members[f"{name}.npy"]))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ConfigError(f"{path}: no intact NPZ file: write it with numpy.savez") from error
    return found


def _array(path: Path, name: str, data: bytes) -> NDArray[Any]:
    file = io.BytesIO(data)
    try:
        shape, by_columns, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    except (ValueError, KeyError, TypeError, SyntaxError, tokenize.TokenError) as error:
        raise ConfigError(f"{path}: {name} is no NPY array: write it with numpy.savez") from error
    if dtype.hasobject:
        raise ConfigError(f"{path}: {name} holds Python objects, which are not read: store numbers")
    # As counted by Python, which does not overflow.
    count = 1
    for side in shape:
        count *= side
    if min(shape, default=0) < 0 or count * dtype.itemsize != len(data) - file.tell():
        raise ConfigError(f"{path}: {name} is not as long as its shape {shape} says: write it again")
    values = np.frombuffer(data, dtype, offset=file.tell())
    return values.reshape(shape, order="F" if by_columns else "C")


def _shaped(
    path: Path, arrays: dict[str, NDArray[Any]], name: str, shape: tuple[int | None, ...], kind: str
) -> NDArray[Any]:
    """An array of that shape (None: any length) as float64 (f), int64 (i) or bool (b)."""
    values = arrays[name]
    fits = values.ndim == len(shape) and all(
        due in (None, side) for due, side in zip(shape, values.shape, strict=True)
    )
    if not fits:
        due = ", ".join("any" if side is None else str(side) for side in shape)
        raise ConfigError(f"{path}: {name} has the shape {list(values.shape)}, not [{due}]")
    allowed = {"f": "fiu", "i": "iu", "b": "b"}[kind]
    if values.dtype.kind not in allowed:
        words = {"f": "numbers", "i": "whole numbers", "b": "true and false"}[kind]
        raise ConfigError(f"{path}: {name} has the type {values.dtype}: it must be {words}")
    return np.asarray(values, {"f": np.float64, "i": np.int64, "b": np.bool_}[kind])


def _moments(path: Path, times: Floats, at: Floats) -> Ints:
    """[R] the truth's moments at these times."""
    _rule(path, len(at) > 0 or not len(times), "the truth has no moments, but there are rows")
    if not len(times):
        return np.zeros(0, np.int64)
    right = np.clip(np.searchsorted(at, times), 0, len(at) - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(at[left] - times) < np.abs(at[right] - times), left, right)
    off = ~(np.abs(at[nearest] - times) <= SAME_MOMENT_S)
    if off.any():
        row = int(np.flatnonzero(off)[0])
        raise ConfigError(f"{path}: row {row}: at {times[row]:g} s is no moment of the truth: use its times")
    return nearest.astype(np.int64)


def _rule(path: Path, kept: bool, what: str) -> None:
    if not kept:
        raise ConfigError(f"{path}: {what}")
