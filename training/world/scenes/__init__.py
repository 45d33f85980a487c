"""The scenes: one file each, with its captions and `make(rng)`, which returns a SceneDescription."""
