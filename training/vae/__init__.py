"""The small VAE as a network: its file, its first weights, and the names that ComfyUI gives its layers."""
