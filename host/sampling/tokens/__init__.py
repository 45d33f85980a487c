"""What the networks are given beside the image, as tokens: the sound of every frame, the text of every keyframe."""
