"""What is published: the archive for ComfyUI's registry, the notes of a version, icon and banner."""
