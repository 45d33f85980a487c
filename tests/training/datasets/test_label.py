"""`python dev.py label`: curves of a data set, measured in processes, stopped and gone on with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from keyvid_pack.models import lucas_kanade
from keyvid_pack.training.datasets import label, label_worker, shards, workers
from keyvid_pack.training.datasets.decode import read_frames
from keyvid_pack.training.datasets.layouts import open_dataset

from ...helpers.real_videos import files, layouts

NAMES = [f"cat_{i % 2}/{i}.v1.mp4" for i in range(4)]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A data set of four good videos and two bad ones, never labelled itself."""
    root = tmp_path_factory.mktemp("data") / "set"
    layouts.write_avsync15(root, NAMES, enlarged=1)
    (root / "train" / "cat_0" / "broken é.mp4").write_bytes(b"no video")
    files.write_video(
        root / "train" / "cat_1" / "mute.mp4",
        np.zeros((60, 32, 32, 3), np.uint8),
        times_ms=np.arange(60) * 42,
    )
    return root


@pytest.fixture
def root(original, tmp_path):
    copy = tmp_path / "set"
    shutil.copytree(original, copy)  # with the times of the files
    return copy


@pytest.fixture
def here(monkeypatch):
    """Everything in this process: to start another takes seconds."""

    def work_on(jobs, command, *, n_processes):
        for job in jobs:
            result = label_worker.label_video(
                Path(job["path"]), job["curve"], label_worker.scores_by(), keep=job["keep"]
            )
            # over JSON as between processes
            yield workers.Answer(job, json.loads(json.dumps(result._asdict())))

    monkeypatch.setattr(label, "work_on", work_on)


def content(root):
    """{name: bytes} of everything that labelling wrote; sentences name the folder of their file."""
    written = [p for p in root.rglob("*") if p.is_file() and p.suffix != ".mp4"]
    return {
        p.relative_to(root).as_posix(): p.read_bytes().replace(str(root).encode(), b"ROOT")
        for p in written
    }


def lines_of(root):
    text = content(root)["keyvid_labels_train.jsonl"].decode()
    return [json.loads(line) for line in text.splitlines()]


def test_every_video_has_a_curve_or_a_reason(root, caplog):
    caplog.set_level("INFO", "keyvid.training")
    assert label.main(str(root), "--processes", "2") == 0
    records = {line["name"]: line for line in lines_of(root)}
    videos = open_dataset(root).videos
    assert set(records) == {video.name for video in videos} and len(records) == 6
    for video in videos:
        record = records[video.name]
        assert video.curve_path.is_file() == (record["problem"] == "")
        if record["problem"]:
            continue
        frames = np.stack([frame.image for frame in read_frames(video.path)])
        small = lucas_kanade.small_frames(label_frames(frames))
        expected = lucas_kanade.motion_scores(small).numpy()
        curve = np.load(video.curve_path)
        assert curve.shape == (47,) and record["method"] == label.FLOW
        # in other groups of pairs: sums of some thousand float32 add up in another order
        np.testing.assert_allclose(curve, expected, rtol=1e-3, atol=1e-5)
        assert expected.max() > 2 * np.median(expected), "a flat curve would pass"
    unusable = (root / "keyvid_labels_train.unusable.txt").read_text("utf-8").splitlines()
    assert [line.partition(":")[0] for line in unusable] == ["cat_0/broken é", "cat_1/mute"]
    assert "4 videos can be used (0 had their curve already), 2 cannot" in caplog.text


def label_frames(frames):
    import torch

    return torch.from_numpy(frames).permute(0, 3, 1, 2)


def test_a_second_call_does_nothing_and_changes_nothing(root, here, monkeypatch):
    assert label.main(str(root), "--processes", "1") == 0
    before = content(root)
    monkeypatch.setattr(label, "work_on", lambda jobs, *_, **__: pytest.fail(jobs) if jobs else [])
    assert label.main(str(root)) == 0
    assert content(root) == before


def test_killed_midway_it_ends_as_if_it_had_not_been(root, here, original, tmp_path):
    """The command is killed when some of its videos are done, its report ends within a line, and it is called again."""
    whole = tmp_path / "whole"
    shutil.copytree(original, whole)
    assert label.main(str(whole), "--processes", "1") == 0
    command = [sys.executable, str(workers.RUN_IN_PACK), "training.datasets.label", str(root)]
    process = subprocess.Popen([*command, "--processes", "1"])
    report = root / "keyvid_labels_train.jsonl"
    while process.poll() is None:
        if report.is_file() and report.read_bytes().count(b"\n") >= 3:  # the plan and two videos
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = list(root.rglob("*.npy"))
    assert 0 < len(done) < len(NAMES)
    with report.open("ab") as file:
        file.write(b'{"name": "cat_')
    assert label.main(str(root), "--processes", "1") == 0
    assert content(root).keys() == content(whole).keys()
    for name, expected in content(whole).items():
        assert content(root)[name] == expected, name
    assert not list(root.rglob("*.part"))


def test_the_authors_own_curves_stay_and_one_that_does_not_fit_is_reported(root, here):
    curves = {video.name: video.curve_path for video in open_dataset(root).videos}
    own = np.arange(47, dtype=np.float64)
    for name, scores in (("cat_0/0.v1", own), ("cat_1/1.v1", own[:30])):
        curves[name].parent.mkdir(parents=True, exist_ok=True)
        np.save(curves[name], scores)
    assert label.main(str(root), "--processes", "1") == 0
    records = {line["name"]: line for line in lines_of(root)}
    assert (records["cat_0/0.v1"]["method"], records["cat_0/0.v1"]["problem"]) == ("given", "")
    np.testing.assert_array_equal(np.load(curves["cat_0/0.v1"]), own)
    assert "has 30 numbers, but its video has 48 frames" in records["cat_1/1.v1"]["problem"]
    curves["cat_1/1.v1"].unlink()  # as the sentence says
    assert label.main(str(root), "--processes", "1") == 0
    records = {line["name"]: line for line in lines_of(root)}
    assert (records["cat_1/1.v1"]["method"], records["cat_1/1.v1"]["problem"]) == (label.FLOW, "")


def test_a_video_that_was_replaced_is_measured_anew(root, here):
    assert label.main(str(root), "--processes", "1") == 0
    videos = {video.name: video for video in open_dataset(root).videos}
    before = {
        name: v.curve_path.read_bytes() for name, v in videos.items() if v.curve_path.is_file()
    }
    files.write_world_video(videos["cat_0/2.v1"].path, 77, scene="drum")
    files.write_world_video(videos["cat_0/broken é"].path, 78, scene="drum")
    assert label.main(str(root), "--processes", "1") == 0
    after = {
        name: v.curve_path.read_bytes() for name, v in videos.items() if v.curve_path.is_file()
    }
    assert {name for name in after if after[name] != before.get(name)} == {
        "cat_0/2.v1",
        "cat_0/broken é",
    }


def test_machines_share_a_data_set_and_curves_can_go_elsewhere(root, here, tmp_path):
    there = tmp_path / "there"
    for share in ("1/2", "2/2"):
        assert label.main(str(root), "--processes", "1", "--share", share, "--to", str(there)) == 0
    assert len(list(there.rglob("*.npy"))) == 4 and not list(root.rglob("*.npy"))
    reports = [there / f"keyvid_labels_train_{k}-of-2.jsonl" for k in (1, 2)]
    names = [json.loads(line)["name"] for one in reports for line in one.read_text().splitlines()]
    assert len(names) == len(set(names)) == 6


def test_check_only_looks(root, here):
    assert label.main(str(root), "--processes", "1", "--check") == 0
    assert not list(root.rglob("*.npy")) and len(lines_of(root)) == 6
    assert label.main(str(root), "--processes", "1") == 0
    assert len(list(root.rglob("*.npy"))) == 4


def test_clips_of_the_usable_videos_become_shards(root, here, tmp_path):
    assert label.main(str(root), "--shards", str(tmp_path / "shards")) == 0
    (shard,) = (tmp_path / "shards").iterdir()
    samples = list(shards.read_shards([shard]))
    assert len(samples) == 3 * len(NAMES) and all(s["curve"] is not None for s in samples)
    assert samples[0]["frames"].shape == (48, 3, 320, 512)


def test_methods_are_not_mixed(root, here, monkeypatch, caplog):
    assert label.main(str(root), "--processes", "1") == 0
    monkeypatch.setattr(label, "open_raft", lambda _path: None)
    assert label.main(str(root), "--raft", "raft.pth") == 1
    assert "were measured by flow without weights, and now RAFT is asked for" in caplog.text
    assert label.main(str(root / "absent")) == 1


def test_a_process_that_ends_over_a_file_takes_no_other_work_with_it(tmp_path):
    """Jobs for a module that ends its process at one of them."""
    jobs = [{"path": str(i), "curve": "", "keep": False} for i in range(4)]
    jobs[1]["path"] = None  # no path: the process ends over it
    answers = {a.job["path"]: a for a in workers.work_on(jobs, [label.WORKER], n_processes=1)}
    assert set(answers) == {"0", None, "2", "3"}
    assert answers[None].result is None and answers[None].exit_code
    for path in ("0", "2", "3"):
        assert "cannot be read" in answers[path].result["problem"]
    assert "ended the program" in label._findings(answers[None]).problem


def test_an_unfinished_curve_is_never_seen(tmp_path, monkeypatch):
    """The file appears under its name only when it is whole."""
    from keyvid_pack.training.datasets import curves

    def no_disk(_from, _to):
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", no_disk)
    with pytest.raises(OSError, match="no space"):
        curves.write_curve(tmp_path / "a.npy", np.ones(3))
    assert not (tmp_path / "a.npy").exists()
