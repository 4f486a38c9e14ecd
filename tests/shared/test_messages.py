"""The wire form: what goes in comes out, and nothing else comes in."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shared.messages import (
    KINDS,
    MAX_PAYLOAD_BYTES,
    MAX_PEOPLE,
    Expert,
    Explanation,
    Frame,
    Incident,
    Incidents,
    Mark,
    Message,
    MessageError,
    Record,
    Reference,
    Scene,
    Stamp,
    Tracks,
    Verdict,
    Verdicts,
    decode,
    encode,
)
from shared.skeleton import JOINT_COUNT
from tests.shared.examples import FRAME, INCIDENTS, MARK, ONE_OF_EACH, TRACKS, VERDICTS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "messages.md"

# --- what goes in comes out -------------------------------------------------------------------------------

finite = st.floats(allow_nan=False, allow_infinity=False)
score = st.floats(0, 1)
pixels = st.integers(1, 32768)
counter = st.integers(0, 2**53 - 1)
text = st.text(max_size=60)
stamps = st.builds(Stamp, stage=st.text(max_size=32), read_at=finite, done_at=finite)
head = {
    "camera": st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z"),
    "generation": st.from_regex(r"\A[0-9a-f]{16}\Z"),
    "number": counter,
    "at": finite,
    "captured_at": finite,
    "trail": st.lists(stamps, max_size=3).map(tuple),
}
references = st.builds(
    Reference, host=text, segment=text, offset=counter, length=st.integers(1, MAX_PAYLOAD_BYTES)
)
frames = st.builds(
    Frame,
    **head,
    monotonic_s=finite,
    pts_s=st.none() | finite,
    width=pixels,
    height=pixels,
    source_width=pixels,
    source_height=pixels,
    crc=st.integers(0, 2**32 - 1),
    image=st.binary(max_size=200) | references,
)
marks = st.builds(Mark, **head, final=st.booleans(), reason=st.text(max_size=200))
verdict = st.builds(
    Verdict,
    track_id=counter,
    partner_id=st.none() | counter,
    result=st.sampled_from(["SAFE", "VETOED", "VIOLENCE", "UNSURE"]),
    score=score,
    scores=st.tuples(score, st.none() | score),
    unsure=st.lists(st.sampled_from(["few_joints", "short", "small", "churn"]), max_size=4).map(tuple),
    weight=score,
    body_height_px=st.floats(0, 1e9),
    quality=score,
    observed_frames=counter,
    padded_frames=counter,
    first_at=finite,
    last_at=finite,
    box=st.tuples(finite, finite, finite, finite),
    explanation=st.none()
    | st.builds(
        Explanation,
        joints=st.tuples(*[score] * JOINT_COUNT),
        moments=st.lists(score, max_size=8).map(tuple),
    ),
)
scene = st.builds(
    Scene,
    result=st.sampled_from(["SAFE", "VETOED", "VIOLENCE", "UNSURE"]),
    score=score,
    threshold=score,
    people=counter,
    track_ids=st.lists(counter, max_size=3).map(tuple),
    quality=score,
)
expert = st.builds(
    Expert,
    name=st.text(max_size=32),
    role=st.sampled_from(["primary", "member", "veto"]),
    threshold=st.none() | score,
    share=st.floats(0, 100),
    weights=st.text(max_size=64),
)
verdicts = st.builds(
    Verdicts,
    **head,
    width=pixels,
    height=pixels,
    experts=st.tuples(expert, expert),
    scene=scene,
    verdicts=st.lists(verdict, max_size=3).map(tuple),
)


def _floats(*shape: int) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays("<f4", shape, elements=st.floats(width=32, allow_nan=False, allow_infinity=False))


@st.composite
def tracks(draw: st.DrawFn) -> Tracks:
    found, people = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    ids = draw(st.lists(st.integers(0, 2**53 - 1), min_size=people, max_size=people, unique=True))
    return Tracks(
        **{name: draw(values) for name, values in head.items()},
        width=draw(pixels),
        height=draw(pixels),
        detection_boxes=draw(_floats(found, 4)),
        detection_scores=draw(_floats(found)),
        detection_keypoints=draw(_floats(found, JOINT_COUNT, 3)),
        detection_tracks=draw(hnp.arrays("<i8", found, elements=st.integers(0, 2**53 - 1))),
        track_ids=np.array(ids, "<i8"),
        detection=draw(hnp.arrays("<i2", people, elements=st.integers(-1, found - 1))),
        boxes=draw(_floats(people, 4)),
        scores=draw(_floats(people)),
        keypoints=draw(_floats(people, JOINT_COUNT, 3)),
        predicted=draw(hnp.arrays("?", people)),
        velocity=draw(_floats(people, JOINT_COUNT, 2)),
        scale=draw(_floats(people)),
        quality=draw(_floats(people)),
    )


def assert_same(one: Message, other: Message) -> None:
    assert type(one) is type(other)
    for name in type(one).model_fields:
        mine, theirs = getattr(one, name), getattr(other, name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype, name
            np.testing.assert_array_equal(mine, theirs, strict=True)
        else:
            assert mine == theirs, name


@given(frames | marks | verdicts | tracks())
def test_every_message_survives_the_wire(message: Message) -> None:
    assert_same(decode(encode(message)), message)


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=KINDS)
def test_the_same_message_always_gives_the_same_bytes(message: Message) -> None:
    assert encode(decode(encode(message))) == encode(message)


def test_arrays_that_were_read_cannot_be_changed() -> None:
    read = decode(encode(TRACKS))
    assert isinstance(read, Tracks)
    with pytest.raises(ValueError, match="read-only"):
        read.boxes[0, 0] = 1


def test_arrays_do_not_follow_the_memory_they_were_made_of() -> None:
    boxes = np.array(TRACKS.boxes)
    message = TRACKS.model_validate({**dict(TRACKS), "boxes": boxes})
    boxes[:] = -1
    assert (message.boxes >= 0).all()


# --- nothing else comes in --------------------------------------------------------------------------------


def wire(message: Message, **changed: Any) -> bytes:
    fields = {**msgpack.unpackb(encode(message)), **changed}
    return bytes(msgpack.packb({name: value for name, value in fields.items() if value is not ...}))


@given(st.binary(max_size=200))
def test_random_bytes_only_ever_raise_a_message_error(payload: bytes) -> None:
    with pytest.raises(MessageError):
        decode(payload)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=8,
)


def read_or_refused(payload: bytes) -> str:
    """Why a payload is refused, one line; "" where it is read. Any other error fails the test."""
    try:
        decode(payload)
    except MessageError as error:
        return str(error) or "no reason"
    return ""


@given(st.sampled_from(ONE_OF_EACH), st.data())
def test_anything_in_any_field_is_read_or_refused_in_one_line(message: Message, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["v", "kind", *type(message).model_fields]))
    reason = read_or_refused(wire(message, **{name: data.draw(anything)}))
    assert "\n" not in reason
    assert reason != "no reason"


@given(st.sampled_from(ONE_OF_EACH), st.data())
def test_a_changed_byte_is_read_or_refused(message: Message, data: st.DataObject) -> None:
    payload = bytearray(encode(message))
    payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    assert read_or_refused(bytes(payload)) != "no reason"


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=KINDS)
def test_a_truncated_message_is_refused(message: Message) -> None:
    payload = encode(message)
    for end in range(len(payload)):
        with pytest.raises(MessageError):
            decode(payload[:end])


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(b"", "not msgpack", id="nothing at all"),
        pytest.param(encode(MARK) + b"\xc0", "extra data", id="trailing bytes"),
        pytest.param(b"\xdd\xee\x6b\x28\x00" + b"\xc0" * 100, "not msgpack", id="array header of 4e9"),
        pytest.param(b"\xdf\xee\x6b\x28\x00" + b"\xc0" * 100, "not msgpack", id="map header of 4e9"),
        pytest.param(b"\xc6\xee\x6b\x28\x00" + b"\xc0" * 100, "not msgpack", id="bytes header of 4e9"),
        pytest.param(b"\x91" * 100_000 + b"\xc0", "not msgpack", id="nesting 100,000 deep"),
        pytest.param(b"\x81\x01\xc0", "not msgpack", id="integer key"),
        pytest.param(b"\x81\xc4\x01v\x01", "key is not text", id="bytes as key"),
        pytest.param(b"\x81\x91\xc0\xc0", "not msgpack", id="array as key"),
        pytest.param(
            b"\x81\xa1v" + msgpack.packb(msgpack.ExtType(5, b"x")), "extension type 5", id="extension type"
        ),
        pytest.param(b"\x82\xa1v\x01\xa1v\x01", "a key stands twice", id="duplicate key"),
        pytest.param(
            b"\x82\xa1v\x01\xa1x\x82\xa1a\x01\xa1a\x01", "a key stands twice", id="duplicate key inside"
        ),
        pytest.param(b"\x81\xa2\xff\xfe\x01", "not msgpack", id="key that is not UTF-8"),
        pytest.param(b"\xc1", "not msgpack", id="a byte that msgpack does not use"),
        pytest.param(b"\x93\x01\x02\x03", "not a map", id="an array"),
        pytest.param(b"\x80", "version is not 2", id="no version"),
        pytest.param(wire(MARK, v=3), "version is not 2: upgrade", id="a later version"),
        pytest.param(wire(MARK, v=1), "version is not 2", id="an earlier version"),
        pytest.param(wire(MARK, v="2"), "version is not 2", id="version as text"),
        pytest.param(wire(MARK, v=2.0), "version is not 2", id="version as float"),
        pytest.param(wire(MARK, v=True), "version is not 2", id="version as truth"),
        pytest.param(wire(MARK, kind="incident"), "kind is none of frame, tracks", id="unknown kind"),
        pytest.param(wire(MARK, kind=...), "kind is none of", id="no kind"),
        pytest.param(wire(MARK, kind=b"mark"), "kind is none of", id="kind as bytes"),
        pytest.param(
            b"\x82\xa1v\x02\xa4kind" + b"\x91" * 1000 + b"\xc0", "kind is none", id="kind nested deep"
        ),
        pytest.param(b"\xc0" * (MAX_PAYLOAD_BYTES + 1), "more than", id="too large"),
    ],
)
def test_what_is_no_message_is_refused_with_its_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(MessageError, match=reason):
        decode(payload)


def _nan_row(value: float) -> bytes:
    return struct.pack("<8f", value, *[0.0] * 7)


@pytest.mark.parametrize(
    ("message", "changed", "field"),
    [
        pytest.param(MARK, {"at": float("nan")}, "at", id="NaN"),
        pytest.param(MARK, {"at": float("inf")}, "at", id="infinity"),
        pytest.param(MARK, {"captured_at": float("-inf")}, "captured_at", id="minus infinity"),
        pytest.param(MARK, {"at": "4.125"}, "at", id="number as text"),
        pytest.param(MARK, {"at": msgpack.Timestamp(4)}, "at", id="msgpack's own time"),
        pytest.param(MARK, {"at": ...}, "at", id="missing field"),
        pytest.param(MARK, {"number": -1}, "number", id="negative count"),
        pytest.param(MARK, {"number": 2**53}, "number", id="count that a float cannot hold"),
        pytest.param(MARK, {"number": 1.5}, "number", id="half a count"),
        pytest.param(MARK, {"final": 1}, "final", id="number as truth"),
        pytest.param(MARK, {"reason": "x" * 201}, "reason", id="long text"),
        pytest.param(MARK, {"generation": "x" * 16}, "generation", id="generation not hexadecimal"),
        pytest.param(
            MARK, {"generation": "00f1e2d3c4b5a697\n"}, "generation", id="generation with a newline"
        ),
        pytest.param(
            MARK, {"trail": [{"stage": "pose", "read_at": 0.0}]}, "trail.0.done_at", id="half a stamp"
        ),
        pytest.param(FRAME, {"width": 0}, "width", id="no width"),
        pytest.param(FRAME, {"height": 32769}, "height", id="too high"),
        pytest.param(FRAME, {"crc": 2**32}, "crc", id="crc beyond 32 bits"),
        pytest.param(FRAME, {"image": "text"}, "image", id="image as text"),
        pytest.param(FRAME, {"image": {"host": "h"}}, "image", id="half a reference"),
        pytest.param(TRACKS, {"boxes": _nan_row(float("nan"))}, "boxes", id="NaN in an array"),
        pytest.param(TRACKS, {"boxes": _nan_row(float("inf"))}, "boxes", id="infinity in an array"),
        pytest.param(TRACKS, {"boxes": b"x" * 33}, "boxes: .*33 bytes", id="bytes left over"),
        pytest.param(
            TRACKS, {"boxes": b"\0" * 16}, "Tracks: .*differ in length", id="fewer boxes than tracks"
        ),
        pytest.param(TRACKS, {"detection_scores": b""}, "Tracks: .*detection arrays", id="fewer scores"),
        pytest.param(TRACKS, {"boxes": [[0.0] * 4] * 2}, "boxes", id="array as msgpack array"),
        pytest.param(
            TRACKS, {"detection": struct.pack("<2h", 3, -1)}, "Tracks: .*outside", id="detection 3 of 3"
        ),
        pytest.param(
            TRACKS, {"detection": struct.pack("<2h", 0, -2)}, "Tracks: .*outside", id="detection -2"
        ),
        pytest.param(TRACKS, {"track_ids": struct.pack("<2q", 7, 7)}, "Tracks: .*twice", id="track id twice"),
        pytest.param(TRACKS, {"predicted": b"\x00\x02"}, "predicted", id="flag of 2"),
        pytest.param(
            TRACKS, {"scores": b"\0" * 4 * (MAX_PEOPLE + 1)}, "scores: .*rows", id="too many people"
        ),
        pytest.param(VERDICTS, {"verdicts": [{}]}, r"verdicts\.0\.track_id", id="empty verdict"),
        pytest.param(VERDICTS, {"experts": []}, "Verdicts: .*one score for each", id="scores of nobody"),
        pytest.param(INCIDENTS, {"incidents": [{}]}, r"incidents\.0\.incident_id", id="empty incident"),
    ],
)
def test_a_field_out_of_bounds_is_named(message: Message, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(MessageError, match=rf"^{field}"):
        decode(wire(message, **changed))


@pytest.mark.parametrize(
    "camera", ["", "{lobby}", "lob}by", "lobby\n", "../lobby", "-x", "_x", "a b", "é", "x" * 64, "a:b"]
)
def test_a_camera_id_that_could_escape_from_a_key_or_path_is_refused(camera: str) -> None:
    with pytest.raises(MessageError, match=r"^camera"):
        decode(wire(MARK, camera=camera))


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=KINDS)
def test_unknown_keys_are_ignored_so_that_workers_can_be_upgraded_one_by_one(message: Message) -> None:
    assert_same(decode(wire(message, mood="calm", later={"a": [1, None, b"x"]})), message)


def test_an_unknown_key_inside_a_verdict_is_ignored_too() -> None:
    [one] = msgpack.unpackb(encode(VERDICTS))["verdicts"]
    assert_same(decode(wire(VERDICTS, verdicts=[{**one, "mood": "calm"}])), VERDICTS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("detection", np.array([70_000, -1])),
        ("boxes", np.full((2, 4), 1e300)),
        ("boxes", np.zeros((2, 5))),
        ("keypoints", np.zeros((2, JOINT_COUNT * 3))),
        ("scores", [0.5, 0.5]),
    ],
)
def test_an_array_that_does_not_fit_is_refused_when_the_message_is_made(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        Tracks.model_validate({**dict(TRACKS), field: value})


def test_an_error_does_not_quote_the_payload() -> None:
    with pytest.raises(MessageError) as caught:
        decode(wire(MARK, reason="geheim" * 40, at="geheim"))
    assert "geheim" not in str(caught.value)


# --- docs/messages.md -------------------------------------------------------------------------------------


def _section(title: str) -> str:
    sections = re.split(r"^## ", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return next(section for section in sections if section.startswith(title))


def _rows(section: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))


PARTS: dict[str, type[Record]] = {
    "Frame": Frame,
    "Tracks": Tracks,
    "Verdicts": Verdicts,
    "Incidents": Incidents,
    "Mark": Mark,
    "Stamp": Stamp,
    "Reference": Reference,
    "Expert": Expert,
    "Verdict": Verdict,
    "Explanation": Explanation,
    "Scene": Scene,
    "Incident": Incident,
}


@pytest.mark.parametrize("title", PARTS)
def test_the_documentation_has_every_field_and_no_other(title: str) -> None:
    common = set(Message.model_fields)
    own = set(PARTS[title].model_fields)
    assert _rows(_section(f"{title}\n")) == (own - common if issubclass(PARTS[title], Message) else own)


def test_the_documentation_has_every_common_field() -> None:
    assert _rows(_section("Every record\n")) == {"v", "kind", *Message.model_fields}


def _blocks(kind: str) -> list[str]:
    return re.findall(
        rf"^```{kind}\n(.*?)^```$", _section("Worked example\n"), flags=re.MULTILINE | re.DOTALL
    )


def test_the_worked_example_is_what_the_code_writes() -> None:
    [as_json], [as_hex, boxes] = _blocks("json"), _blocks("text")
    fields = json.loads(as_json)
    assert {"v": 2, "kind": "verdicts", **VERDICTS.model_dump(mode="json")} == fields
    assert bytes.fromhex(as_hex) == encode(VERDICTS)
    assert bytes.fromhex(boxes) == TRACKS.boxes.tobytes()
    # A writer in another language may order the keys as it likes.
    assert_same(decode(msgpack.packb(dict(reversed(fields.items())))), VERDICTS)
