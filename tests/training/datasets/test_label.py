"""`python dev.py label`: curves of a data set, measured in processes, stopped and gone on with."""

import json
import os
import shutil

import numpy as np
import pytest
from keyvid_pack.models import lucas_kanade
from keyvid_pack.training.datasets import label, label_records, shards
from keyvid_pack.training.datasets.decode import read_frames
from keyvid_pack.training.datasets.layouts import open_dataset

from ...helpers.real_videos import files, labels


def test_every_video_has_a_curve_or_a_reason(root, caplog):
    caplog.set_level("INFO", "keyvid.training")
    assert label.main(str(root), "--processes", "2") == 0
    records = labels.records_of(root)
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
    before = labels.content(root)
    monkeypatch.setattr(label, "work_on", lambda jobs, *_, **__: pytest.fail(jobs) if jobs else [])
    assert label.main(str(root)) == 0
    assert labels.content(root) == before


def test_stopped_midway_it_ends_as_if_it_had_not_been(root, here, original, tmp_path, monkeypatch):
    """It ends when a third curve is written and not yet in the report, whose last line is then cut short."""
    whole = tmp_path / "whole"
    shutil.copytree(original, whole)
    assert label.main(str(whole), "--processes", "1") == 0
    added = []

    def add_two(path, record):
        if len(added) == 2:
            raise SystemExit(9)
        added.append(record.name)
        label_records.add_record(path, record)

    with monkeypatch.context() as patch:
        patch.setattr(label, "add_record", add_two)
        with pytest.raises(SystemExit):
            label.main(str(root), "--processes", "1")
    assert added == ["cat_0/0.v1", "cat_0/2.v1"] and set(labels.records_of(root)) == set(added)
    with (root / "keyvid_labels_train.jsonl").open("ab") as file:
        file.write(b'{"name": "cat_')
    assert label.main(str(root), "--processes", "1") == 0
    assert labels.content(root).keys() == labels.content(whole).keys()
    for name, expected in labels.content(whole).items():
        assert labels.content(root)[name] == expected, name
    assert not list(root.rglob("*.part"))


def test_the_authors_own_curves_stay_and_one_that_does_not_fit_is_reported(root, here):
    curves = {video.name: video.curve_path for video in open_dataset(root).videos}
    own = np.arange(47, dtype=np.float64)
    for name, scores in (("cat_0/0.v1", own), ("cat_1/1.v1", own[:30])):
        curves[name].parent.mkdir(parents=True, exist_ok=True)
        np.save(curves[name], scores)
    assert label.main(str(root), "--processes", "1") == 0
    records = labels.records_of(root)
    assert (records["cat_0/0.v1"]["method"], records["cat_0/0.v1"]["problem"]) == ("given", "")
    np.testing.assert_array_equal(np.load(curves["cat_0/0.v1"]), own)
    assert "has 30 numbers, but its video has 48 frames" in records["cat_1/1.v1"]["problem"]
    curves["cat_1/1.v1"].unlink()  # as the sentence says
    assert label.main(str(root), "--processes", "1") == 0
    records = labels.records_of(root)
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


def test_a_curve_of_ours_stays_ours_when_its_video_was_only_looked_at(root, here):
    """Replaced and looked at with --check, a video must not be left with the curve of the one before."""
    assert label.main(str(root)) == 0
    video = labels.usable_videos(root)["cat_0/2.v1"]
    before = video.curve_path.read_bytes()
    files.write_world_video(video.path, 77, scene="drum")
    assert label.main(str(root), "--check") == 0
    assert label.main(str(root)) == 0
    assert labels.records_of(root)[video.name]["method"] == label.FLOW
    assert video.curve_path.read_bytes() != before
    assert b"planned" not in (root / "keyvid_labels_train.jsonl").read_bytes()


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
    assert not list(root.rglob("*.npy")) and len(labels.records_of(root)) == 6
    assert label.main(str(root), "--processes", "1") == 0
    assert len(list(root.rglob("*.npy"))) == 4


def test_clips_of_the_usable_videos_become_shards(root, here, tmp_path, caplog):
    folder = tmp_path / "shards"
    assert label.main(str(root), "--check", "--shards", str(folder)) == 0
    (shard,) = folder.glob("*.tar")
    assert all(sample["curve"] is None for sample in shards.read_shards([shard]))
    assert label.main(str(root), "--shards", str(folder)) == 0
    samples = list(shards.read_shards([shard]))
    assert len(samples) == 3 * len(labels.NAMES) and all(s["curve"] is not None for s in samples)
    assert samples[0]["frames"].shape == (48, 3, 320, 512)
    # a curve that was replaced by one that does not fit keeps its own video out, and no other
    np.save(labels.usable_videos(root)["cat_0/2.v1"].curve_path, np.ones(20))
    assert label.main(str(root), "--shards", str(folder)) == 1
    names = [sample["name"] for sample in shards.read_shards([shard])]
    assert len(names) == 9 and not any("cat_0/2" in name for name in names)
    assert "cat_0/2.v1 is left out" in caplog.text and "has 20 numbers" in caplog.text


def test_methods_are_not_mixed(root, here, monkeypatch, caplog):
    assert label.main(str(root), "--processes", "1") == 0
    monkeypatch.setattr(label, "open_raft", lambda _path: None)
    assert label.main(str(root), "--raft", "raft.pth") == 1
    assert "were measured by flow without weights, and now RAFT is asked for" in caplog.text
    assert label.main(str(root / "absent")) == 1


def test_an_unfinished_curve_is_never_seen(tmp_path, monkeypatch):
    """The file appears under its name only when it is whole."""
    from keyvid_pack.training.datasets import curves

    def no_disk(_from, _to):
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", no_disk)
    with pytest.raises(OSError, match="no space"):
        curves.write_curve(tmp_path / "a.npy", np.ones(3))
    assert not (tmp_path / "a.npy").exists()
