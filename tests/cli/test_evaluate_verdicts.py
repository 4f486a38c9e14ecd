"""`nexara evaluate verdicts` on made-up clips and films."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from shared.config import ConfigError
from shared.stage import Stage
from tests.classify.conftest import save_linear
from tests.cli import clips
from tests.ingest.videos import write as write_video
from workers.classify.evaluation import measures
from workers.cli import evaluate_verdicts
from workers.cli.films import Looker
from workers.cli.main import nexara
from workers.cli.results import clean_stdout
from workers.pose.config import PoseConfig, load_tracker
from workers.pose.follow import follow, new_state

FIGURES = ("accuracy", "auc", "tpr_at_fpr1", "tpr_at_fpr5", "fpr_at_tpr90", "ece", "brier", "log_loss")
PNG = b"\x89PNG"


@pytest.fixture(scope="module", autouse=True)
def _few_draws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "_BOOTSTRAPS", 30)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips, weights that know none of them, and weights that know one."""
    folder = tmp_path_factory.mktemp("verdicts")
    clips.write(folder / "clips.npz")
    save_linear(folder / "new.safetensors", weight=2.0, bias=-1.0, clip_threshold=0.4)
    save_linear(folder / "knows.safetensors", weight=2.0, bias=-1.0, trained_on=("fight/a.mp4",))
    return folder


def run(*arguments: object, weights: Path) -> Result:
    expert = f"[{{weights: {weights}, role: primary}}]"
    command = [
        "evaluate",
        "verdicts",
        *map(str, arguments),
        *clips.SHORT,
        "--set",
        f"classify.experts={expert}",
    ]
    answer = CliRunner().invoke(nexara, command)
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def numbers(*arguments: object, weights: Path) -> dict:
    answer = run(*arguments, "--json", weights=weights)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_json_is_one_object_with_every_figure_and_the_table_says_the_same(folder: Path) -> None:
    answer = run(folder / "clips.npz", "--json", weights=folder / "new.safetensors")
    assert answer.stdout.count("\n") == 1
    found = json.loads(answer.stdout)
    assert set(FIGURES) < set(found)
    assert set(found["intervals"]) == set(FIGURES)
    assert found["auc"] == 1.0
    assert (found["clips"], found["fights"], found["clips_seen_in_training"]) == (4, 2, 0)
    assert found["clip_threshold"] == 0.4, "the primary's card says it"
    assert [(one["name"], one["label"]) for one in found["scores"]] == list(clips.LABELS.items())
    text = run(folder / "clips.npz", weights=folder / "new.safetensors").stdout
    assert text.startswith("4 clips, 2 of them fights, from 4 videos\n")
    assert f"log loss{found['log_loss']:>22.3f}" in text
    assert "violent from a score of 0.4 on" in text
    assert "WARNING" not in text


def test_clips_that_were_trained_on_are_said_in_both_forms(folder: Path, tmp_path: Path) -> None:
    sources = tmp_path / "sources.json"
    sources.write_text('[["fight/a.mp4", "noFight/b.mp4"], ["fight/b.mp4", "noFight/a.mp4"]]')
    command = (folder / "clips.npz", "--groups", sources)
    told = run(*command, "--json", weights=folder / "knows.safetensors")
    assert "WARNING: the experts were trained on 1 of these 4 clips" in told.stderr
    found = json.loads(told.stdout)
    assert (found["clips_seen_in_training"], found["unseen"]["clips"], found["videos"]) == (1, 2, 2)
    text = run(*command, weights=folder / "knows.safetensors").stdout
    assert "WARNING: the experts were trained on 1 of these 4 clips" in text
    assert "2 unseen" in text


def test_what_libraries_print_does_not_reach_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    with clean_stdout():
        print("from Python")  # noqa: T201
        os.write(1, b"from C\n")
    print("the result")  # noqa: T201
    said = capfd.readouterr()
    assert said.out == "the result\n"
    assert sorted(said.err.splitlines()) == ["from C", "from Python"]


def test_it_draws_figures_and_the_worst_mistakes(folder: Path, tmp_path: Path) -> None:
    weights = save_linear(tmp_path / "wrong.safetensors", weight=-2.0, bias=1.0)
    answer = run(folder / "clips.npz", "--plot", tmp_path / "plots", weights=weights)
    assert answer.exit_code == 0, answer.output
    drawn = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert drawn == [
        f"verdicts-{name}.png" for name in ("false-alarms", "missed-fights", "reliability", "roc", "scores")
    ]
    assert all(path.read_bytes().startswith(PNG) for path in (tmp_path / "plots").iterdir())
    assert answer.stderr.count("drew ") == 5


def test_fights_alone_are_measured_as_far_as_that_goes(folder: Path, tmp_path: Path) -> None:
    data = clips.write(tmp_path / "fights.npz", clip_label=np.ones(4, int))
    found = numbers(data, weights=folder / "new.safetensors")
    assert found["auc"] is None
    assert found["fpr_at_tpr90"] is None
    assert found["accuracy"] is not None


def test_clips_of_one_frame_and_clips_without_people_are_counted(folder: Path, tmp_path: Path) -> None:
    short = clips.clips({"fight/a.mp4": 1, "noFight/a.mp4": 0}, frames=1)
    empty = {name: array[:0] if len(array) == 4 else array for name, array in short.items()}
    for arrays in (short, empty):
        np.savez(tmp_path / "few.npz", **arrays)
        found = numbers(tmp_path / "few.npz", weights=folder / "new.safetensors")
        assert found["clips_without_anybody"] == 2
        assert (found["accuracy"], found["auc"]) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kpts": None}, "has no array 'kpts'"),
        ({"kpts": np.zeros((176, 16, 3))}, "kpts have 16 joints of 3 numbers: 17 of 3"),
        ({"clip_label": np.array([1, 0, -1, 0])}, "clip_label holds other numbers"),
        ({"clip": np.array(3)}, "clip is a single value"),
        ({"frame": np.full(176, 0.5)}, "frame holds no whole numbers"),
        ({"clip_times": np.array(["a"] * 88)}, "clip_times has not one time for each frame"),
        ({"clip_times": np.full(88, 1e300)}, "fight/a.mp4: time 1e\\+300 s is out of range"),
    ],
)
def test_arrays_that_do_not_fit_are_said(changes: dict, said: str, folder: Path, tmp_path: Path) -> None:
    data = clips.write(tmp_path / "bad.npz", **changes)
    with pytest.raises(ConfigError, match=rf"bad\.npz: {said}"):
        run(data, weights=folder / "new.safetensors")


def test_files_that_are_none_are_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no arrays")
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "half.npz").write_bytes((folder / "clips.npz").read_bytes()[:20_000])
    for name, why in (
        ("nowhere.npz", "cannot be read: No such file or directory"),
        ("text.npz", "is no NPZ file, or a damaged one"),
        ("one.npy", "is no NPZ file, or a damaged one"),
        ("half.npz", "is no NPZ file, or a damaged one"),
    ):
        with pytest.raises(ConfigError) as caught:
            run(tmp_path / name, weights=folder / "new.safetensors")
        assert str(caught.value) == f"{tmp_path / name}: {why}"


def test_options_that_do_not_fit_are_said(folder: Path, tmp_path: Path) -> None:
    data, weights = folder / "clips.npz", folder / "new.safetensors"
    (tmp_path / "text").write_text("no JSON")
    (tmp_path / "flat.json").write_text('["fight/a.mp4"]')
    for options, said in (
        (("--groups", tmp_path / "nowhere"), "--groups: .*nowhere: cannot be read: No such file"),
        (("--groups", tmp_path / "text"), "--groups: .*text: not JSON"),
        (("--groups", tmp_path / "flat.json"), "--groups: .*flat.json: expected a list of lists"),
        (("--set", "classify.vetto=never"), "classify.vetto: unknown key 'vetto': did you mean 'veto'"),
        (("--set", "bus.port=1"), "--set bus.port: only keys of classify and pose"),
        (("--weights", "yolo.pt"), "--weights: .*clips.npz is no folder of films"),
        (("--plot", data), "--plot: .*clips.npz: cannot be written"),
    ):
        with pytest.raises(ConfigError, match=said):
            run(data, *options, weights=weights)
    with pytest.raises(ConfigError, match=r"classify: .*nowhere\.safetensors: cannot be read"):
        run(data, weights=tmp_path / "nowhere.safetensors")


# --- films --------------------------------------------------------------------------------------------------


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of films of fights, and a detector that sees made-up people in them."""
    (tmp_path / "films" / "fight").mkdir(parents=True)
    for number, frames in enumerate((clips.FRAMES, clips.FRAMES, 1)):
        write_video(tmp_path / "films" / "fight" / f"{number}.mp4", frames, clips.FPS)
    config = PoseConfig()
    tracker = load_tracker(config)
    stage = Stage(
        name="pose", reads="frames", writes="tracks", settings="",
        look=lambda frames: [clips.people(frame.number, 1) for frame in frames],
        initial=lambda camera, generation: new_state(config, tracker, camera, generation, moving=False),
        advance=lambda state, frame, seen: (state, follow(state, frame, seen)),
    )  # fmt: skip
    monkeypatch.setattr(evaluate_verdicts, "open_looker", lambda _config: Looker(stage, 640))
    return tmp_path / "films"


def test_films_are_judged_and_those_that_cannot_be_read_are_named(films: Path, folder: Path) -> None:
    (films / "noFight").mkdir()
    (films / "noFight" / "broken.mp4").write_text("no film")
    (films / "source_groups.json").write_text('[["fight/0.mp4", "fight/1.mp4"]]')
    weights = save_linear(films / "blind.safetensors", bias=-9.0)
    answer = run(films, "--json", "--plot", films / "plots", weights=weights)
    assert answer.exit_code == 0, answer.output
    assert "noFight/broken.mp4: skipped: " in answer.stderr
    found = json.loads(answer.stdout)
    assert found["skipped"] == ["noFight/broken.mp4"]
    assert [one["name"] for one in found["scores"]] == ["fight/0.mp4", "fight/1.mp4", "fight/2.mp4"]
    assert (found["videos"], found["clips_of_known_video"], found["clips_without_anybody"]) == (2, 2, 1)
    drawn = sorted(path.name for path in (films / "plots").iterdir())
    assert drawn == ["verdicts-missed-fights.png", "verdicts-scores.png"], "no curve of one label alone"


def test_a_folder_of_which_nothing_can_be_read_ends_with_code_1(films: Path, folder: Path) -> None:
    for film in films.glob("*/*.mp4"):
        film.write_bytes(b"")
    answer = run(films, weights=folder / "new.safetensors")
    assert answer.exit_code == 1
    assert "none of its 3 films can be decoded" in answer.stderr
    assert answer.stdout == ""


def test_a_folder_without_films_is_said(folder: Path, tmp_path: Path) -> None:
    for place in (tmp_path, folder):
        with pytest.raises(ConfigError, match="holds no clips: put them into fight/ and noFight/"):
            run(place, weights=folder / "new.safetensors")


# --- real clips ---------------------------------------------------------------------------------------------


def test_real_clips_are_judged(shared_data: Path, folder: Path, tmp_path: Path) -> None:
    whole = np.load(shared_data / "skeletons" / "cctv_fights_coco17.npz")
    chosen = np.flatnonzero(np.isin(whole["clip_name"], ["fight/fi010.mp4", "noFight/nofi010.mp4"]))
    rows = np.isin(whole["clip"], chosen)
    arrays = {name: whole[name][rows] for name in ("frame", "box", "score", "kpts")}
    arrays |= {name: whole[name][chosen] for name in whole.files if name.startswith("clip_")}
    np.savez(tmp_path / "two.npz", clip=np.searchsorted(chosen, whole["clip"][rows]), **arrays)
    sources = shared_data / "videos" / "fights" / "source_groups.json"
    found = numbers(tmp_path / "two.npz", "--groups", sources, weights=folder / "new.safetensors")
    assert (found["clips"], found["clips_of_known_video"], found["clips_without_anybody"]) == (2, 2, 0)
    assert found["verdicts"] > 20
