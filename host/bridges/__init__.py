"""A plan's images for other models' nodes."""
