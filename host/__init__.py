"""Everything that touches ComfyUI's internals. An upgrade of ComfyUI may break this package only."""
