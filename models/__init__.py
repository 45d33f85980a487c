"""The networks and the diffusion maths: PyTorch alone, nothing of ComfyUI (docs/architecture.md)."""
