"""Measurements of what the pack makes (`python dev.py eval`).

`sync` renders videos in several `variants` and compares their events with the audio's; `localizer` measures curves that
are predicted from audio; `tracker` reads events off videos.
"""
