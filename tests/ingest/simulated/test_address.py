from __future__ import annotations

import pytest

from shared.config import ConfigError, validate
from workers.ingest.config import CameraOptions
from workers.ingest.simulated.address import Address, parse
from workers.ingest.simulated.places import PLACES, place


def test_an_address_says_what_is_seen() -> None:
    address = parse("sim://plaza?people=5&fights=2&seed=7&fps=12.5&light=night&view=1")
    assert address == Address(place="plaza", people=5, fights=2, seed=7, fps=12.5, light="night", view=1)
    assert parse("sim://yard").seconds is None
    assert parse("sim://yard?seconds=2.55").frames == 26


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("sim://", "place"),
        ("sim://plazza", "'plazza'"),
        ("sim://plaza/door", "followed by a place"),
        ("sim://me:secret@plaza", "followed by a place"),
        ("sim://plaza?people", "NAME=VALUE"),
        ("sim://plaza?people=", "NAME=VALUE"),
        ("sim://plaza?people=many", "people: input should be a valid integer"),
        ("sim://plaza?people=-1", "people: input should be greater than or equal to 0"),
        ("sim://plaza?fps=1000", "fps: input should be less than or equal to 30"),
        ("sim://plaza?fps=nan", "fps"),
        ("sim://plaza?seed=1&seed=2", "seed is given twice"),
        ("sim://plaza?peple=2", "there is no setting 'peple': use view, light, people"),
        ("sim://plaza?light=dusk", "light"),
        ("sim://plaza?seconds=0", "seconds"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(source: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".*") as error:
        parse(source)
    assert said in str(error.value)
    assert "secret" not in str(error.value)
    with pytest.raises(ConfigError) as refused:
        validate({"source": source}, CameraOptions, "site.yaml")
    assert "\n" not in str(refused.value)
    assert said in str(refused.value)


def test_a_recording_waits_for_the_fleet_and_a_camera_does_not() -> None:
    camera = CameraOptions(source="sim://lobby")
    assert (camera.kind, camera.recorded, camera.live) == ("simulated", False, True)
    recording = CameraOptions(source="sim://lobby?seconds=3")
    assert (recording.recorded, recording.live) == (True, False)
    assert CameraOptions(source="sim://lobby?seconds=3", pace="realtime").live
    assert recording.shown_source == "sim://lobby?seconds=3"


def test_every_place_that_an_address_may_name_is_there() -> None:
    for name in PLACES:
        assert parse(f"sim://{name}").place == place(name).name == name
