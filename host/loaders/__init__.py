"""Weight files by name, and the networks in them as objects of ComfyUI."""
