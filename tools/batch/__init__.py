"""Many clips through one or many ComfyUI servers: `python dev.py batch LIST`."""
