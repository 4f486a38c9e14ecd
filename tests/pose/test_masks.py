from shared.rules import Rules, Zone
from tests.pose.footage import detections, frame_with
from workers.pose.masks import unmasked

RIGHT = Zone(name="screen", kind="mask", polygon=((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))
FRAME = frame_with(b"", 640, 360)
SEEN = detections([[100, 50, 140, 200], [500, 50, 540, 200]], [0.9, 0.8])


def test_who_stands_in_a_mask_is_not_followed() -> None:
    kept = unmasked(SEEN, FRAME, Rules(zones=(RIGHT,)))
    assert kept.boxes.tolist() == SEEN.boxes[:1].tolist()
    assert len(kept.keypoints) == len(kept.scores) == 1


def test_other_zones_hide_nobody() -> None:
    for kind in ("include", "exclude"):
        zone = RIGHT.model_copy(update={"kind": kind})
        assert unmasked(SEEN, FRAME, Rules(zones=(zone,))) is SEEN


def test_where_nobody_is_seen_there_is_nothing_to_hide() -> None:
    nobody = detections([], [])
    assert unmasked(nobody, FRAME, Rules(zones=(RIGHT,))) is nobody
