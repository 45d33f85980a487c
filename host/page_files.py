"""Can ComfyUI serve the pack's page files, the JavaScript and the help? That depends on the name of its folder."""

import logging
import re
from pathlib import Path

log = logging.getLogger("keyvid")

NAME = "ComfyUI-KeyVID"
# What an address holds as it is. aiohttp escapes all else in the prefix of a static route, and then compares it with
# the address that the browser asks for after unescaping that: the files are listed, and every one of them is a 404.
_SERVED = re.compile(r"[A-Za-z0-9._~!$'()*+,;=:@&-]+")


def is_served(folder: str) -> bool:
    """Whether ComfyUI serves the page files of a pack whose folder has this name."""
    return _SERVED.fullmatch(folder) is not None


def warn_if_not_served(init_file: str) -> None:
    """Say in the log that the page files cannot be served, and what helps. init_file: the pack's __init__.py."""
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
