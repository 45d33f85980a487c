"""What `python dev.py label` wrote."""

import json

from keyvid_pack.training.datasets.layouts import open_dataset

NAMES = [f"cat_{i % 2}/{i}.v1.mp4" for i in range(4)]


def content(root):
    """{name: bytes} of everything that labelling wrote; sentences name the folder of their file."""
    written = [p for p in root.rglob("*") if p.is_file() and p.suffix != ".mp4"]
    return {
        p.relative_to(root).as_posix(): p.read_bytes().replace(str(root).encode(), b"ROOT")
        for p in written
    }


def records_of(root):
    """{name: record} of the report, as plain values."""
    lines = map(json.loads, content(root)["keyvid_labels_train.jsonl"].decode().splitlines())
    return {line["name"]: line for line in lines if "name" in line}


def usable_videos(root):
    """{name: Video} of those that were made well, in the order of their names."""
    return {video.name: video for video in open_dataset(root).videos if ".v1" in video.name}
