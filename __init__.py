"""ComfyUI-KeyVID: images that move to sound (the KeyVID method, arXiv 2504.09656)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .nodes import KeyVIDExtension

WEB_DIRECTORY = "./js"


async def comfy_entrypoint() -> "KeyVIDExtension":
    """What ComfyUI asks a pack for: its list of nodes."""
    # Imported on demand: importing the package itself stays free of side effects and of ComfyUI.
    from .host.page_files import warn_if_not_served
    from .nodes import KeyVIDExtension

    warn_if_not_served(__file__)
    return KeyVIDExtension()
