"""Measurements of what the pack makes (`python dev.py eval`).

`sync` renders videos in several `variants` and compares how they move with the audio and with the true videos;
`training` does so with networks that are being trained; `localizer` measures curves that are predicted from audio;
`tracker` measures how well videos are read.
"""
