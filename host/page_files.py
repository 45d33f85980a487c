"""Checks that ComfyUI can serve the pack's page files (JavaScript and help), which depends on the folder's name."""

import logging
import re
from pathlib import Path

log = logging.getLogger("keyvid")

NAME = "ComfyUI-KeyVID"
# Characters that a URL path has unescaped. aiohttp escapes all others in the prefix of a static route, and compares it
# with the unescaped path of a request: the files are listed, and a request for any of them is a 404.
_SERVED = re.compile(r"[A-Za-z0-9._~!$'()*+,;=:@&-]+")


def is_served(folder: str) -> bool:
    """Whether ComfyUI serves the page files of a pack whose folder has this name."""
    return _SERVED.fullmatch(folder) is not None


def warn_if_not_served(init_file: str) -> None:
    """Logs that the page files cannot be served, and what to do. init_file: the path of the pack's __init__.py."""
    folder = Path(init_file).parent.name
    if is_served(folder):
        return
    log.error(
        'KeyVID is in the folder "%s", and ComfyUI cannot serve page files from a folder whose name has spaces, '
        "square or curly brackets, accents or other special characters: Edit Keyframes shows its edit as text instead "
        "of the timeline, and no help page opens. Rename the folder to %s and restart ComfyUI.",
        folder,
        NAME,
    )
