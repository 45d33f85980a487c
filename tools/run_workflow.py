"""Runs an API-format graph on a running ComfyUI with a line per node, and prints where the video and its frames are."""

import contextlib
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..preview.frame_sheet import write_frame_sheet
from . import client


def nodes_of(graph: Mapping[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The nodes of a class in an API-format graph, in its order."""
    return [node for node in graph.values() if node["class_type"] == kind]


class Progress:
    """Prints a line per node: what it is called and how long it took."""

    def __init__(self, prompt: dict) -> None:
        self.titles = {key: node["_meta"]["title"] for key, node in prompt.items()}
        self.n_done, self.current, self.started_s = 0, None, 0.0

    def on_event(self, kind: str, data: dict) -> None:
        """Called with each event of ComfyUI."""
        if kind == "execution_cached":
            for key in data["nodes"]:
                self._line(key, "unchanged")
        elif kind == "executing":
            self._finish()
            self.current, self.started_s = data["node"], time.monotonic()
        elif kind == "progress" and sys.stdout.isatty():
            title = self.titles.get(data["node"], data["node"])
            print(f"\r  {title} {data['value']}/{data['max']}\033[K", end="", flush=True)

    def _finish(self) -> None:
        if self.current is not None:
            self._line(self.current, f"{time.monotonic() - self.started_s:.1f} s")

    def _line(self, key: str, text: str) -> None:
        self.n_done += 1
        # inner nodes of a subgraph are not in the list of titles
        title = self.titles.get(key, key)
        clear = "\r\033[K" if sys.stdout.isatty() else ""
        print(f"{clear}  {self.n_done}/{len(self.titles)}  {title}  {text}", flush=True)


def problems(entry: dict, titles: dict[str, str]) -> list[str]:
    """Error messages, one per problem, from a history entry or a refusal; [] if nothing did."""
    if "error" in entry:
        nodes = entry.get("node_errors") or {}
        found = [
            f"{titles.get(key, key)}: {error['message']} ({error['details']})"
            for key, node in nodes.items()
            for error in node["errors"]
        ]
        return found or [entry["error"]["message"]]
    for kind, data in entry["status"]["messages"]:
        if kind == "execution_error":
            return [f"{titles.get(data['node_id'], data['node_id'])}: {data['exception_message']}"]
        if kind == "execution_interrupted":
            return ["It was cancelled."]
    return []


def output_files(entry: dict, folder: str | Path) -> list[Path]:
    """The files that a run wrote into ComfyUI's output folder."""
    return [
        Path(folder, item["subfolder"], item["filename"])
        for output in entry.get("outputs", {}).values()  # a refused graph has none
        for items in output.values()
        for item in items
        if isinstance(item, dict) and item.get("type") == "output"
    ]


def main(url: str, graph: str | Path, folder: str | Path, truth: str | Path | None = None) -> int:
    """The exit code: 0 when the graph ran and saved a video, 3 when it did not and the reason was printed.

    truth: a file of the true video (demo_clip.py), whose frames are shown below those of the one that was made.
    """
    prompt = json.loads(Path(graph).read_text(encoding="utf-8"))
    progress = Progress(prompt)
    with contextlib.suppress(KeyboardInterrupt):
        entry, _ = client.run_blocking(url, prompt, on_event=progress.on_event)
        failed = problems(entry, progress.titles)
        videos = [path for path in output_files(entry, folder) if path.suffix == ".mp4"]
        for path in videos:
            print(f"\nThe video: {path}", flush=True)
            sheet = write_frame_sheet(path, truth=None if truth is None else _frames(truth))
            below = "" if truth is None else ", the true ones below"
            print(f"Its frames, the heard ones marked{below}: {sheet}", flush=True)
        if videos and not failed:
            return 0
        print("\n".join(failed or ["The workflow saved no MP4."]), flush=True)
    return 3


def _frames(path: str | Path) -> np.ndarray:
    with np.load(path) as file:
        return file["frames"]
