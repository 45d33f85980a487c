"""Motion curves that were measured on a video, and how they join those of a sound."""
