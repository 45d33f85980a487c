"""Everything that touches ComfyUI's internals. A ComfyUI upgrade may only ever break this room."""
