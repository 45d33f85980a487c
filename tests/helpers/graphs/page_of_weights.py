"""A page of small published files on this machine, and a ComfyUI that takes it for Hugging Face."""

import contextlib
import sys
import threading
import time

from keyvid_pack.released.published_files import GENERATOR
from keyvid_pack.tools import environment, server
from keyvid_pack.tools.weights import page_server

from ..small_checkpoint import filled, whole_shapes
from ..weight_files import save_training_file

ROUTE = "/keyvid/weights"


@contextlib.contextmanager
def comfy_with_page(base, **options):
    """(Server, PageServer): the page has a small keyframe generator."""
    folder = base / "page"
    file = folder / GENERATOR.path
    file.parent.mkdir(parents=True)
    save_training_file(file, filled(whole_shapes()))
    with page_server.serving(folder) as page:
        env = {"HF_ENDPOINT": page.url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        with server.running(
            base / "comfyui", python=sys.executable, pack=environment.ROOT, env=env, **options
        ) as comfy:
            yield comfy, page


def hold(page, n_bytes):
    """The page sends so many bytes of a file and then nothing, until the function that this returns is called."""
    go_on = threading.Event()

    def answer(handler, path):
        if "/resolve/" in handler.path or go_on.is_set():
            return False
        handler.send_file(page.folder / path, path, cut_after=n_bytes)
        go_on.wait(600)
        return True

    page.answer = answer
    return go_on.set


def wait_until(condition, timeout_s=600):
    """Ends what hangs; returns what the condition gave."""
    until_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < until_s
        time.sleep(0.05)
    return found
