"""The records that travel between workers: fields, units, wire form and version.

A record is one msgpack map with string keys. `v` is the version and `kind` names the class; the other
keys are the class's fields. Arrays travel as little-endian bytes in C order, their dtype and all
dimensions but the first fixed by the field, so the first dimension follows from the length. Unknown
keys are ignored, so that workers can be upgraded one by one; anything else that does not fit is
refused with a `MessageError` that names the field. `docs/messages.md` describes every field.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

import msgpack
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema, core_schema

from shared.skeleton import JOINT_COUNT

VERSION = 2
MAX_PAYLOAD_BYTES = 16 * 2**20
MAX_PEOPLE = 1000
MAX_ZONES = 32


class MessageError(ValueError):
    """A payload that is not a valid record; the text says which part and why, without the payload."""


class Rows:
    """How an array field travels: little-endian `dtype`, any number of rows, `row` the other dimensions."""

    def __init__(self, dtype: str, *row: int) -> None:
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._row = row
        self._row_bytes = self._dtype.itemsize * math.prod(row)

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda array: array.tolist(), when_used="json"
            ),
        )

    def _read(self, value: object) -> NDArray[Any]:
        if isinstance(value, bytes):
            if len(value) % self._row_bytes:
                raise ValueError(f"{len(value)} bytes are no multiple of a row's {self._row_bytes}")
            if self._dtype.kind == "b" and value.strip(b"\0\1"):
                raise ValueError("a flag is neither 0 nor 1")
            value = np.frombuffer(value, dtype=self._dtype).reshape(-1, *self._row)
        if not isinstance(value, np.ndarray):
            raise ValueError("expected bytes or an array")
        if value.ndim != 1 + len(self._row) or value.shape[1:] != self._row:
            shape = ", ".join(["n", *map(str, self._row)])
            raise ValueError(f"expected shape [{shape}], got {list(value.shape)}")
        if len(value) > MAX_PEOPLE:
            raise ValueError(f"{len(value)} rows are more than {MAX_PEOPLE}")
        array = self._converted(value)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError("NaN or infinite")
        array.flags.writeable = False
        return array

    def _converted(self, value: NDArray[Any]) -> NDArray[Any]:
        if value.dtype == self._dtype:
            return np.array(value, order="C")
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.array(value, dtype=self._dtype, order="C")
        if array.dtype.kind == "i" and not np.array_equal(array, value):
            raise ValueError(f"a number does not fit into {array.dtype.name}")
        return array


Floats = Annotated[NDArray[np.float32], Rows("f4")]
Boxes = Annotated[NDArray[np.float32], Rows("f4", 4)]
Keypoints = Annotated[NDArray[np.float32], Rows("f4", JOINT_COUNT, 3)]
Velocities = Annotated[NDArray[np.float32], Rows("f4", JOINT_COUNT, 2)]
Indices = Annotated[NDArray[np.int16], Rows("i2")]
TrackIds = Annotated[NDArray[np.int64], Rows("i8")]
Flags = Annotated[NDArray[np.bool_], Rows("?")]

# Keeps keys, file names and labels free of anything that could escape from them.
CAMERA_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"
CameraId = Annotated[str, Field(pattern=CAMERA_PATTERN)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Score = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(ge=1, le=32768)]
# What any language's numbers hold exactly, JavaScript's too.
Counter = Annotated[int, Field(ge=0, lt=2**53)]
ZONE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$"
ZoneName = Annotated[str, Field(pattern=ZONE_PATTERN)]
IncidentId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Result = Literal["SAFE", "VETOED", "VIOLENCE", "UNSURE"]
# Why a verdict would be a guess: too few joints seen, too few frames of the track, a body of too few
# pixels, people who change their identity too often.
Doubt = Literal["few_joints", "short", "small", "churn"]


class Record(BaseModel):
    """A frozen, strict part of a message."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", arbitrary_types_allowed=True)


class Stamp(Record):
    """When one stage read the record's input and when it handed the result over (wall clock, seconds)."""

    stage: Annotated[str, Field(max_length=32)]
    read_at: Finite
    done_at: Finite


class Message(Record):
    """What every message says about where and when it comes from.

    `camera`, `generation` and the stream entry's id together name a frame for ever. `at` is the frame's
    own time in seconds, the clock of every filter and window: it never goes backwards within a
    generation. `captured_at` is the wall clock at capture. `rules` names the rules that the frame is
    looked at by (`shared.rules`); "" is what the workers were started with.
    """

    camera: CameraId
    generation: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    number: Counter
    at: Finite
    captured_at: Finite
    trail: tuple[Stamp, ...] = ()
    rules: Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")] = ""


class Reference(Record):
    """Where a frame's image lies outside the record."""

    host: Annotated[str, Field(max_length=255)]
    segment: Annotated[str, Field(max_length=255)]
    offset: Counter
    length: Annotated[int, Field(ge=1, le=MAX_PAYLOAD_BYTES)]


class Frame(Message):
    """One JPEG of a camera; open it with `shared.frames.open_image`, which checks `crc` (CRC-32)."""

    monotonic_s: Finite
    pts_s: Finite | None
    width: Pixels
    height: Pixels
    source_width: Pixels
    source_height: Pixels
    crc: Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
    image: bytes | Reference


class Tracks(Message):
    """All detections and tracks of one frame, in pixels of the frame's image (`width` x `height`).

    Detections hold everything the detector found, weak ones too; `detection_tracks` is the track of
    each, 0 where it belongs to none. Row i of the track arrays is one person who is told of;
    `detection` is the row of the detection it was matched with, -1 where the person was predicted.
    Tracks that are followed but not told of (too unsure, too new) stand in `detection_tracks` alone.
    `keypoints` are refined; the raw ones stand under the detection.
    """

    width: Pixels
    height: Pixels
    detection_boxes: Boxes
    detection_scores: Floats
    detection_keypoints: Keypoints
    detection_tracks: TrackIds
    track_ids: TrackIds
    detection: Indices
    boxes: Boxes
    scores: Floats
    keypoints: Keypoints
    predicted: Flags
    velocity: Velocities
    scale: Floats
    quality: Floats

    @model_validator(mode="after")
    def _rows_agree(self) -> Self:
        found = len(self.detection_boxes)
        columns = (self.detection_scores, self.detection_keypoints, self.detection_tracks)
        if any(len(column) != found for column in columns):
            raise ValueError("detection arrays differ in length")
        people = len(self.track_ids)
        rows = (self.detection, self.boxes, self.scores, self.keypoints, self.predicted, self.velocity)
        if any(len(row) != people for row in (*rows, self.scale, self.quality)):
            raise ValueError("track arrays differ in length")
        if people and (self.detection.min() < -1 or self.detection.max() >= found):
            raise ValueError("detection points outside the detections")
        if len(np.unique(self.track_ids)) != people:
            raise ValueError("a track id stands twice")
        return self


class Mark(Message):
    """Time passes without a frame: the source is silent, or (`final`) has ended."""

    final: bool = False
    reason: Annotated[str, Field(max_length=200)] = ""


class Expert(Record):
    """One of those who judged: what it is asked for, and the hash of its weights.

    The primary and the members give one score together, the mean of their evidence by `share`; a veto
    objects below its `threshold`. A member has no threshold, a veto no share.
    """

    name: Annotated[str, Field(max_length=32)]
    role: Literal["primary", "member", "veto"]
    threshold: Score | None
    share: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
    weights: Annotated[str, Field(max_length=64)]


class Explanation(Record):
    """What carried a score: the share of each joint (COCO-17 order) and of each moment of the window.

    Each list adds up to 1, or to 0 where nothing spoke for violence. Moments are as many equal parts of
    the window as the list is long, oldest first.
    """

    joints: Annotated[tuple[Score, ...], Field(min_length=JOINT_COUNT, max_length=JOINT_COUNT)]
    moments: Annotated[tuple[Score, ...], Field(max_length=300)]


class Verdict(Record):
    """What the experts say of one track's window, together with who was closest to it.

    `score` is the primary's and the members' together, `scores` each expert's own in the order of
    `Verdicts.experts`; None for who was not asked, since the score was below the primary's threshold.
    All are calibrated probabilities with the scale weight applied (`weight`: how much the evidence was
    shrunk towards the prior), rounded to 1e-3 before they are compared. `unsure` says why the result is
    UNSURE: a verdict would be a guess. `box` is where the person was last, in the image's pixels.
    """

    track_id: Counter
    partner_id: Counter | None
    result: Result
    score: Score
    scores: tuple[Score | None, ...]
    unsure: tuple[Doubt, ...]
    weight: Score
    body_height_px: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    quality: Score
    observed_frames: Counter
    padded_frames: Counter
    first_at: Finite
    last_at: Finite
    box: tuple[Finite, Finite, Finite, Finite]
    explanation: Explanation | None = None


class Scene(Record):
    """What the people of one step come to.

    It is as violent as its most violent person, at a threshold of its own; `track_ids` are that person
    and the partner. `people` counts all that were judged.
    """

    result: Result
    score: Score
    threshold: Score
    people: Counter
    track_ids: tuple[Counter, ...]
    quality: Score


class Verdicts(Message):
    """All verdicts of one step of a camera, who gave them, and what they come to for the whole scene."""

    width: Pixels
    height: Pixels
    experts: tuple[Expert, ...]
    verdicts: tuple[Verdict, ...]
    scene: Scene

    @model_validator(mode="after")
    def _everybody_was_asked(self) -> Self:
        if any(len(verdict.scores) != len(self.experts) for verdict in self.verdicts):
            raise ValueError("a verdict has not one score for each expert")
        return self


class Incident(Record):
    """Violence that was confirmed: where, when and by whom; one id for its whole life.

    `new` tells of it once, `update` whenever there is more to tell, `end` once. `began_at` is the frame
    time of the first violent verdict that made it, `last_at` of the last one so far. `box` holds all
    places at which its people were since, in the image's pixels. `peak_score` is the highest score of
    a verdict, at `peak_at`; `peak_scene_score` that of the scene. `violent` and `vetoed` count the
    verdicts that made it; `numbers` are the frames of those, the first and the last ones where there
    are many. An incident whose people met those of an older one ends as `merged`: the older one,
    `merged_into`, goes on for both. `zones` names the zones that its people were in; `shadow` says that
    it is recorded, but that nobody is to be told.
    """

    incident_id: IncidentId
    change: Literal["new", "update", "end"]
    began_at: Finite
    began_captured_at: Finite
    confirmed_at: Finite
    last_at: Finite
    track_ids: Annotated[tuple[Counter, ...], Field(max_length=MAX_PEOPLE)]
    box: tuple[Finite, Finite, Finite, Finite]
    peak_score: Score
    peak_at: Finite
    peak_scene_score: Score
    violent: Counter
    vetoed: Counter
    numbers: Annotated[tuple[Counter, ...], Field(max_length=100)]
    end_reason: Literal["quiet", "silent", "source_ended", "merged"] | None = None
    merged_into: IncidentId | None = None
    zones: Annotated[tuple[ZoneName, ...], Field(max_length=MAX_ZONES)] = ()
    shadow: bool = False


class Incidents(Message):
    """What changed in a camera's incidents in one step; `mark` where time passed without verdicts.

    `suppressed` counts the incidents that would be new in this step, were it not for the cooldown of an
    earlier one.
    """

    width: Pixels
    height: Pixels
    incidents: tuple[Incident, ...]
    mark: Mark | None = None
    suppressed: Counter = 0


KINDS: dict[str, type[Message]] = {
    "frame": Frame,
    "tracks": Tracks,
    "verdicts": Verdicts,
    "incidents": Incidents,
    "mark": Mark,
}
_KIND_OF = {message_class: kind for kind, message_class in KINDS.items()}


def encode(message: Message) -> bytes:
    """The wire form of a message."""
    fields = {"v": VERSION, "kind": _KIND_OF[type(message)], **dict(message)}
    packed: bytes = msgpack.packb(fields, default=_to_wire, use_bin_type=True)
    return packed


def decode(payload: bytes) -> Message:
    """The message in a payload.

    Raises:
        MessageError: the payload is damaged, too large, of another version or breaks a field's bounds.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise MessageError(f"{len(payload)} bytes are more than {MAX_PAYLOAD_BYTES}")
    fields = _unpack(payload)
    version, kind = fields.pop("v", None), fields.pop("kind", None)
    if type(version) is not int or version != VERSION:
        raise MessageError(f"version is not {VERSION}: upgrade the older side")
    message_class = KINDS.get(kind) if isinstance(kind, str) else None
    if message_class is None:
        raise MessageError(f"kind is none of {', '.join(KINDS)}")
    try:
        return message_class.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or message_class.__name__
        raise MessageError(f"{field}: {first['msg']}") from None


def _to_wire(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, Record):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no wire form")


def _unpack(payload: bytes) -> dict[str, Any]:
    try:
        fields = msgpack.unpackb(
            payload,
            raw=False,
            strict_map_key=True,
            use_list=False,
            object_pairs_hook=_distinct,
            ext_hook=_refuse,
        )
    except (ValueError, RecursionError, msgpack.UnpackException) as error:
        reason = str(error) or type(error).__name__
        raise MessageError(f"not msgpack as we write it: {reason}") from error
    if not isinstance(fields, dict):
        raise MessageError("not a map")
    return fields


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice")
    if not all(isinstance(key, str) for key in fields):
        raise ValueError("a key is not text")
    return fields


def _refuse(code: int, _data: bytes) -> object:
    raise ValueError(f"extension type {code}")
