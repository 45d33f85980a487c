"""Rewrites workflows/api/NAME.json (and images) from workflows/NAME.json in the real frontend."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import Browser

from . import environment, frontend, server

WORKFLOWS = environment.ROOT / "workflows"
MODELS = Path("models", "keyvid")  # in ComfyUI's base folder


def main() -> int:
    """The exit code: 0 when all workflows were written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--thumbnails", action="store_true", help="also NAME.jpg, an image of the graph"
    )
    parser.add_argument("names", nargs="*", help="without .json; all if none is given")
    options = parser.parse_args()
    names = options.names or sorted(path.stem for path in WORKFLOWS.glob("*.json"))
    (WORKFLOWS / "api").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as base:
        _put_empty_models(Path(base) / MODELS, names)
        with (
            server.running(base, python=sys.executable, pack=environment.ROOT) as comfy,
            frontend.browsing() as browser,
        ):
            failed = [
                name for name in names if not _export(name, browser, comfy, options.thumbnails)
            ]
    return 1 if failed else 0


def model_names(workflow: dict) -> set[str]:
    """The names of the weight files that a UI-format workflow has chosen in its lists."""
    values = [value for node in workflow["nodes"] for value in node.get("widgets_values") or ()]
    return {v for v in values if isinstance(v, str) and v.endswith(".safetensors")}


def _put_empty_models(folder: Path, names: Iterable[str]) -> None:
    """Empty files under the names that the workflows want: the lists show them, and nothing is loaded here."""
    folder.mkdir(parents=True)
    for name in names:
        workflow = json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))
        for model in model_names(workflow):
            (folder / model).touch()


def _export(name: str, browser: Browser, comfy: server.Server, thumbnail: bool) -> bool:
    page = frontend.Frontend(browser, comfy)
    page.open_template(name, vue=False)
    complaints = page.complaints()
    if complaints:
        print(f"{name}: not written. {' '.join(complaints)}")
    else:
        text = json.dumps(page.api_prompt(), indent=2, ensure_ascii=False)
        (WORKFLOWS / "api" / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        if thumbnail:
            page.image_of_graph(WORKFLOWS / f"{name}.jpg")
        print(f"{name}: written")
    page.close()
    return not complaints


if __name__ == "__main__":
    sys.exit(main())
