"""The sync benchmark: each clip is measured once, whatever interrupts it, and the report says what was found."""

import contextlib
import csv
import math

import numpy as np
import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.evaluation import command, options, renderer, results, sync, variants
from keyvid_pack.evaluation.report import report_rows
from keyvid_pack.evaluation.strips import SEEN, draw_strip
from keyvid_pack.training.world.clip import SCENES, render_clip

SEEDS = range(options.FIRST_SEED, options.FIRST_SEED + 3)


@pytest.fixture
def made(monkeypatch):
    """The (seed, variant) of every video made."""
    calls = []

    @contextlib.contextmanager
    def video_maker(folder):
        with variants.video_maker(folder) as make:
            yield lambda clip, name: calls.append((clip.seed, name)) or make(clip, name)

    monkeypatch.setattr(sync, "video_maker", video_maker)
    return calls


def test_an_interrupted_run_resumes(tmp_path, made):
    words = ("--state-dir", str(tmp_path), "--conditions", "truth")
    assert sync.main("--clips", "2", *words) == 0
    assert sync.main("--clips", "3", *words) == 0
    assert made == [(seed, "truth") for seed in SEEDS]
    # cut off in the middle of the last line
    path = tmp_path / "sync" / "truth.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert sync.main("--clips", "3", *words) == 0
    assert made[3:] == [(SEEDS[2], "truth")]
    assert set(
        results.read_results(path.parent, "truth", made_by=sync.result_fingerprint("world"))
    ) == set(SEEDS)


def test_read_results_skips_other_weights(tmp_path):
    for author in ("old", "new"):
        results.add_result(tmp_path, "full", {"seed": 5, "made_by": author, "psnr": math.nan})
    read = results.read_results(tmp_path, "full", made_by="new")
    assert read == {5: {"seed": 5, "made_by": "new", "psnr": None}}
    assert results.read_results(tmp_path, "full", made_by="newer") == {}


def test_report_of_truth_and_still(tmp_path):
    assert sync.main("--clips", "2", "--state-dir", str(tmp_path)) == 0
    with (tmp_path / "sync" / "report.csv").open(encoding="utf-8", newline="") as file:
        rows = {
            (r["condition"], r["within"], r["figure"]): r
            for r in csv.DictReader(file)
            if r["scene"] == ""
        }
    for within in "123":
        assert float(rows["truth", within, "f1"]["value"]) == 1.0
        assert float(rows["still", within, "recall"]["value"]) == 0.0
        assert rows["still", within, "recall"]["found"] == "0"
    assert float(rows["truth", "", "background"]["value"]) == 0.0
    text = (tmp_path / "sync" / "report.txt").read_text(encoding="utf-8")
    assert text.startswith("truth\n  recall within 2 frames") and "\nstill\n" in text


def test_a_kept_video_is_measured_again_without_rendering(tmp_path, made):
    words = ("--clips", "1", "--conditions", "still", "--keep", "--state-dir", str(tmp_path))
    assert sync.main(*words) == 0
    path = tmp_path / "sync" / "still.jsonl"
    before = path.read_bytes()
    path.unlink()
    assert sync.main(*words) == 0
    assert made == [(SEEDS[0], "still")]
    assert path.read_bytes() == before


def test_report_includes_earlier_results(tmp_path, made):
    words = ("--clips", "1", "--state-dir", str(tmp_path), "--conditions")
    assert sync.main(*words, "truth") == 0
    assert sync.main(*words, "still") == 0
    text = (tmp_path / "sync" / "report.txt").read_text(encoding="utf-8")
    assert text.startswith("truth\n") and "\nstill\n" in text


def test_results_of_another_tracker_are_measured_again(tmp_path, made, monkeypatch):
    words = ("--clips", "1", "--conditions", "still", "--state-dir", str(tmp_path))
    assert sync.main(*words) == 0
    monkeypatch.setattr(sync, "metric_fingerprint", lambda: "another tracker")
    assert sync.main(*words) == 0
    assert made == 2 * [(SEEDS[0], "still")]


def test_video_maker_starts_no_comfyui_for_ground_truth(tmp_path, monkeypatch):
    monkeypatch.setattr(renderer, "running_renderer", None)  # calling it would fail
    with variants.video_maker(tmp_path) as make:
        assert make(render_clip(SEEDS[0]), "truth").shape == (48, 96, 128, 3)


def test_as_many_clips_of_every_scene(tmp_path, made):
    words = ("--per-scene", "1", "--conditions", "truth", "--state-dir", str(tmp_path))
    assert sync.main(*words) == 0
    assert sorted(render_clip(seed).scene for seed, _ in made) == sorted(SCENES)
    for count in (2, 3):  # more clips are the same ones and others
        fewer = options.seeds_of_each_scene(options.FIRST_SEED, count - 1)
        assert set(fewer) < set(options.seeds_of_each_scene(options.FIRST_SEED, count))
    with (tmp_path / "sync" / "report.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["figure"] == "trajectory_mean"]
    assert [row["scene"] for row in rows] == ["", *sorted(SCENES)]
    with pytest.raises(KeyVIDError, match="at least 1 clip"):
        sync.main("--per-scene", "0", "--state-dir", str(tmp_path))


def test_strips_of_the_first_clip_of_every_scene_or_of_all(tmp_path):
    words = ("--conditions", "still", "--clips", "4", "--state-dir")
    assert sync.main(*words, str(tmp_path / "few")) == 0
    assert sync.main(*words, str(tmp_path / "all"), "--strips") == 0
    scenes = [render_clip(options.FIRST_SEED + i).scene for i in range(4)]
    few, every = (list((tmp_path / name / "sync" / "strips").iterdir()) for name in ("few", "all"))
    assert len(every) == 4 > len(few) == len(set(scenes))
    clip = render_clip(SEEDS[0])
    strip = draw_strip(clip, clip.frames[::-1], seen=[9])
    x, y = 4 + 9 * (128 + 4), 4
    np.testing.assert_array_equal(strip[y : y + 96, x : x + 128], clip.frames[-10])
    np.testing.assert_array_equal(strip[y + 98 : y + 194, x : x + 128], clip.frames[9])
    assert tuple(strip[y + 40, x - 1]) == SEEN


def test_silent_clips_are_made_from_silence_and_compared_with_nothing(tmp_path, monkeypatch):
    heard = []

    def render_video(clip, variant):
        heard.append(float(np.abs(clip.audio).max()))
        return render_clip(clip.seed).frames  # moves as if there were its sound

    monkeypatch.setattr(
        renderer, "running_renderer", lambda folder: contextlib.nullcontext(render_video)
    )
    words = ("--conditions", "silent", "--clips", "3", "--state-dir", str(tmp_path))
    assert sync.main(*words) == 0
    assert heard == [0.0, 0.0, 0.0]
    (row,) = [
        row
        for row in report_rows(
            {
                "silent": results.read_results(
                    tmp_path / "sync",
                    "silent",
                    made_by=sync.result_fingerprint(variants.render_fingerprint("silent")),
                )
            }
        )
        if row["figure"] == "quiet_events_per_20_s" and row["scene"] == ""
    ]
    n_events = sum(len(render_clip(seed).events) for seed in SEEDS)
    assert row["value"] == pytest.approx(n_events / (3 * 2) * 20)
    text = (tmp_path / "sync" / "report.txt").read_text(encoding="utf-8")
    assert "short        quiet_events_per_20_s" in text and "psnr" not in text


def result(seed, found, **others):
    return {"seed": seed, "scene": "ball", "true": [10, 20], "found": found, **others}


def test_report_compares_variants_on_common_clips():
    full = {seed: result(seed, [10, 20]) for seed in range(6)}
    uniform = {seed: result(seed, [10]) for seed in range(3)}
    sea = {"seed": 9, "scene": "sea", "true": [], "found": None, "follows": 0.5}
    rows = list(report_rows({"full": {**full, 9: sea}, "uniform": {**uniform, 9: sea}}))
    difference = [r for r in rows if r["condition"] == "full - uniform" and r["within"] == 2]
    assert {r["figure"]: r["value"] for r in difference}["recall"] == 0.5
    assert all(r["clips"] == 3 and r["events"] == 6 for r in difference)
    follows = [r for r in rows if r["figure"] == "follows" and r["scene"] == ""]
    assert [(r["clips"], r["value"]) for r in follows] == [(1, 0.5), (1, 0.5)]


def test_report_of_clips_without_events():
    sea = {"seed": 9, "scene": "sea", "true": [], "found": None, "follows": None, "background": 0.1}
    rows = list(report_rows({"truth": {9: sea}}))
    assert [(r["figure"], r["scene"]) for r in rows] == [("background", ""), ("background", "sea")]


def test_unknown_variants_and_missing_weights_are_refused(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(renderer, "WEIGHTS", tmp_path / "weights")
    words = ("--clips", "1", "--state-dir", str(tmp_path), "--conditions")
    with pytest.raises(KeyVIDError, match='no variant "perfect"'):
        sync.main(*words, "truth,perfect")
    assert not (tmp_path / "sync").exists()  # said before anything is measured
    with pytest.raises(KeyVIDError, match="no weights"):
        sync.main(*words, "full")
    assert command.main("sync", *words, "full") == 1
    assert "no weights" in caplog.text


@pytest.mark.parametrize("words", [("--clips", "0"), ("--first-seed", "999999")])
def test_training_clips_and_no_clips_are_refused(tmp_path, words):
    with pytest.raises(KeyVIDError, match="learned"):
        sync.main(*words, "--state-dir", str(tmp_path))


@pytest.mark.parametrize("name", ["sync", "training", "tracker", "localizer"])
@pytest.mark.parametrize("words", [("--clips", "0"), ("--first-seed", "7")])
def test_every_measurement_refuses_training_clips(caplog, name, words):
    assert command.main(name, *words) == 1
    assert "at least 1 clip" in caplog.text


def test_an_unknown_measurement_is_refused(caplog):
    assert command.main("beauty") == 1
    assert "sync" in caplog.text and "tracker" in caplog.text
