"""A procedural audio-visual world: two-second clips whose audio and video have the same events, with ground truth.

`clip.render_clip(seed)` makes a clip. Each scene is a file in `scenes/` and says what happens and how it looks and
sounds; `timing` draws the event times, `motion` the movement between them, `stage` the images, `sound` the strikes,
and `distractors` what must not matter.
"""
