"""ComfyUI-KeyVID: pictures that move to sound (the KeyVID method, arXiv 2504.09656)."""

WEB_DIRECTORY = "./js"


async def comfy_entrypoint():
    # Imported on demand: importing the package itself stays free of side effects and of ComfyUI.
    from .host.page_files import warn_if_not_served
    from .nodes import KeyVIDExtension

    warn_if_not_served(__file__)
    return KeyVIDExtension()
