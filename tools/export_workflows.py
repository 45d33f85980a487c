"""Rewrites workflows/api/NAME.json (and images) from workflows/NAME.json in the real frontend."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from . import environment, frontend, server
from .named_models import WORKFLOWS, put_empty_models


def main() -> int:
    """The exit code: 0 when all workflows were written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--thumbnails", action="store_true", help="also NAME.jpg, an image of the graph"
    )
    parser.add_argument(
        "--screenshots",
        type=Path,
        metavar="FOLDER",
        help="also FOLDER/NAME.png, the page as it opens on a laptop's screen",
    )
    parser.add_argument("names", nargs="*", help="without .json; all if none is given")
    options = parser.parse_args()
    names = options.names or sorted(path.stem for path in WORKFLOWS.glob("*.json"))
    (WORKFLOWS / "api").mkdir(exist_ok=True)
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as base:
        put_empty_models(Path(base) / "models", names, own=True)
        with (
            server.running(base, python=sys.executable, pack=environment.ROOT) as comfy,
            frontend.browsing() as browser,
        ):
            failed = [name for name in names if not _export(name, browser, comfy, options)]
    return 1 if failed else 0


def _export(name: str, browser: Browser, comfy: server.Server, options: argparse.Namespace) -> bool:
    page = frontend.Frontend(browser, comfy)
    page.page.set_viewport_size(frontend.LAPTOP)
    page.open_template(name, vue=False)
    if options.screenshots:
        page.page.screenshot(path=options.screenshots / f"{name}.png")
    complaints = page.complaints()
    if complaints:
        print(f"{name}: not written. {' '.join(complaints)}")
    else:
        text = json.dumps(page.api_prompt(), indent=2, ensure_ascii=False)
        (WORKFLOWS / "api" / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        if options.thumbnails:
            page.image_of_graph(WORKFLOWS / f"{name}.jpg")
        print(f"{name}: written")
    page.close()
    return not complaints


if __name__ == "__main__":
    sys.exit(main())
