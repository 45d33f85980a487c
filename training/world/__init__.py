"""A procedural audio-visual world: two-second clips in which what is heard is what is seen, with exact ground truth.

`clip.render_clip(seed)` makes a clip. Each scene is a file in `scenes/` and says what happens and how it looks and
sounds; `timing` draws the moments, `motion` the movement between them, `stage` the pictures, `sound` the strikes,
and `distractors` what must not matter.
"""
