"""The example: simulated streams of English and Chinese texts, watched by a packaged model or by people."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.opinion_monitoring import replay
from examples.opinion_monitoring.answers import predict_negative
from examples.opinion_monitoring.arrivals import draw_plants, iterate_arrivals
from examples.opinion_monitoring.outcomes import iterate_assessments, tally
from examples.opinion_monitoring.source import Opinion, Replay, StreamText, load
from examples.opinion_monitoring.stream import Topics
from satiety.core.errors import ModelError
from satiety.core.section import read_yaml
from tests.packaging import Workspace

FILES = sorted(Path("examples/opinion_monitoring").glob("*.yaml"))
STREAMS = {
    "en": ({"films": ["film"], "hotels": ["hotel"]}, "the {} {} {}", ("good", "bad")),
    "zh": ({"电影": ["电影"], "酒店": ["酒店"]}, "{}{}{}", ("很好", "很差")),
}


def build_blocks(language: str, **changes: Any) -> dict[str, Any]:
    """Return the example's params, cut short, for two topics."""
    whole = read_yaml(Path("examples/opinion_monitoring/tweets.yaml"))
    topics, _, _ = STREAMS[language]
    whole["opinion"] |= {"topics": topics, "negative": ["bad"]}
    whole["replay"] |= {"weeks": 5, "pace": 30, "planted": 2, "distinct": 5, "windows": 3} | changes
    whole["replay"]["labelled"] = [
        {
            "uri": "file:data/raw/texts.csv",
            "sha256": None,
            "reader": {"kind": "csv", "delimiter": ",", "quote": '"', "header": True},
            "columns": {"text": "text", "label": "label"},
            "split": None,
        }
    ]
    return whole


def write_stream(language: str, folder: Path, **changes: Any) -> Path:
    """Write texts, a third of each topic bad, and params that read them; return those."""
    topics, form, moods = STREAMS[language]
    rows = ["text,label"]
    for (word,) in [*topics.values(), ["天气"]]:
        rows += [f"{form.format(moods[i % 3 == 0], word, i)},{'bad' if i % 3 == 0 else 'good'}" for i in range(90)]
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/texts.csv").write_text("\n".join(rows), encoding="utf-8")
    path = folder / "stream.yaml"
    path.write_text(yaml.safe_dump(build_blocks(language, **changes), allow_unicode=True), encoding="utf-8")
    return path


def read_params(path: Path) -> tuple[Opinion, Replay]:
    blocks = read_yaml(path)
    stream_params = Opinion.check(path, blocks["opinion"], keys=("opinion",))
    return stream_params, Replay.check(path, blocks["replay"], keys=("replay",))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_params_of_the_example_are_right(path: Path) -> None:
    stream_params, params = read_params(path)
    assert len(stream_params.topics) >= 8
    assert params.weeks == 12


@pytest.mark.parametrize("language", STREAMS)
def test_planted_surges_are_found_and_nothing_else(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_stream(language, tmp_path)
    monkeypatch.chdir(tmp_path)
    stream_params, params = read_params(path)
    texts = load(params, Topics.of(stream_params.topics))
    plants = draw_plants(texts, stream_params, params)
    assert Counter(plant.kind for plant in plants) == {"surge": 2, "burst": 2, "growth": 2}
    bad = {stream_text.text: float(stream_text.label == "bad") for stream_text in texts}
    outcome = tally(list(iterate_assessments(texts, bad, stream_params, params, plants)), plants, stream_params.mostly)
    assert (outcome.planted, outcome.found, outcome.windows) == (2, 2, 3 * 168)
    assert outcome.false <= 1, "two bursts, whose share is as usual with a chance of 1 % at most each"


def test_a_stream_has_its_pace_its_nights_and_its_weekends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_stream("en", tmp_path, planted=0, burst=0, weekend=0.5)
    monkeypatch.chdir(tmp_path)
    stream_params, params = read_params(path)
    texts = load(params, Topics.of(stream_params.topics))
    arrivals = list(iterate_arrivals(texts, stream_params, params, []))
    assert len(arrivals) == pytest.approx(5 * 168 * 30, rel=0.02)
    times = [arrival.time for arrival in arrivals]
    assert times == sorted(times)
    days = Counter(time.weekday() for time in times[:-1])
    assert (days[5] + days[6]) / sum(days.values()) == pytest.approx(1 / 6, rel=0.05)
    hours = Counter(arrival.time.hour for arrival in arrivals if arrival.text.topics == ("films",))
    assert max(hours.values()) > 3 * min(hours.values())
    repeated = list(iterate_arrivals(texts, stream_params, params, []))
    assert repeated == arrivals


def test_without_texts_for_a_surge_none_is_planted(tmp_path: Path) -> None:
    stream_params, params = read_params(FILES[-1])
    assert draw_plants([StreamText("fine", (), "neutral")], stream_params, params) == []


def test_package_answers_once_and_the_page_is_written(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(tmp_path / "model", tiny, "classify")
    workspace.root.mkdir()
    workspace.fill(count=20)
    package = workspace.package(workspace.root / "models/package")
    path = write_stream("en", tmp_path, weeks=3)
    monkeypatch.chdir(tmp_path)
    arguments = ["replay", "--params", str(path), "--model", str(package), "--port", "0", "--language", "zh"]
    monkeypatch.setattr(sys, "argv", arguments)
    replay.main()
    output = capsys.readouterr().out
    assert "the page: http://127.0.0.1:" in output
    assert "of 2 planted surges found in the window they began in" in output
    assert 'lang="zh"' in Path(".satiety/opinion/page.html").read_text(encoding="utf-8")
    (answers_file,) = Path(".satiety/opinion").glob("*.json")
    modified = answers_file.stat().st_mtime_ns
    stream_params, params = read_params(path)
    texts = [stream_text.text for stream_text in load(params, Topics.of(stream_params.topics))]
    predict_negative(texts, package, stream_params)
    assert answers_file.stat().st_mtime_ns == modified
    with pytest.raises(ModelError, match=r"opinion.negative: 'awful' is no label of .*package; it has: bad, good"):
        predict_negative(texts, package, stream_params.model_copy(update={"negative": ["awful"]}))


def test_a_missing_package_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_stream("zh", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["replay", "--params", str(path)])
    with pytest.raises(SystemExit, match=r"models/package: no packaged model; `make run` makes one, or --model names"):
        replay.main()
