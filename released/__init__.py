"""The published weight files: which there are, fetched when asked for, and rewritten as safetensors."""
