"""From conditioning to latent: the video model in ComfyUI, its conditioning, guidance and sampler."""
