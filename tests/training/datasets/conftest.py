"""A data set to label, and labelling without processes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from keyvid_pack.training.datasets import label, label_worker, workers

from ...helpers.real_videos import files, labels, layouts


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A data set of four good videos and two bad ones, never labelled itself."""
    root = tmp_path_factory.mktemp("data") / "set"
    layouts.write_avsync15(root, labels.NAMES, enlarged=1)
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
