"""Images of timing: the strip and the animatic. Knows numpy, Pillow and PyAV, neither torch nor ComfyUI."""
