import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from shared.config import ConfigError
from workers.cli.main import nexara

TRUTH = "1,1,10,10,40,100,1,-1,-1,-1\n2,1,10,10,40,100,1,-1,-1,-1\n3,1,10,10,40,100,1\n4,1,10,10,40,100,1\n"
SWITCHED = TRUTH.replace("3,1,", "3,9,").replace("4,1,", "4,9,")


def evaluate(*arguments: object):
    answer = CliRunner().invoke(nexara, ["evaluate", "tracking", *map(str, arguments)])
    if isinstance(answer.exception, ConfigError):
        raise answer.exception
    return answer


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    truth, result = tmp_path / "truth.txt", tmp_path / "result.txt"
    truth.write_text(TRUTH)
    result.write_text(SWITCHED)
    return truth, result


def test_the_table_tells_scores_and_counts(files):
    answer = evaluate(*files)
    assert answer.exit_code == 0
    lines = {line.split()[0]: line.split()[1] for line in answer.output.splitlines()}
    assert lines == {
        "HOTA": "0.7071",
        "IDF1": "0.5000",
        "MOTA": "0.7500",
        "switches": "1",
        "fragmentations": "0",
    }


def test_json_holds_every_figure(files):
    scores = json.loads(evaluate(*files, "--json").output)
    assert scores["switches"] == 1
    assert scores["idf1"] == 0.5
    assert scores["truth_ids"] == 1


def test_a_plot_is_a_png(files, tmp_path):
    assert evaluate(*files, "--plot", tmp_path / "who.png").exit_code == 0
    assert (tmp_path / "who.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_wrong_is_one_line_that_names_the_file(files, tmp_path):
    truth, result = files
    with pytest.raises(ConfigError, match=r"nowhere\.txt: cannot be read as text: No such file"):
        evaluate(truth, tmp_path / "nowhere.txt")
    result.write_text("1,one,10,10,40,100\n")
    with pytest.raises(ConfigError, match=r"result\.txt:1: id: 'one' is no number"):
        evaluate(truth, result)
    result.write_text("")
    with pytest.raises(ConfigError, match=r"result\.txt: no boxes"):
        evaluate(result, truth)
    with pytest.raises(ConfigError, match=r"--plot: .*: cannot be written"):
        evaluate(truth, truth, "--plot", tmp_path / "nowhere" / "a.png")
