"""Noise schedule, DDIM step, guidance, and what each pass is conditioned on."""
