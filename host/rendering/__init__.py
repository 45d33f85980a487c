"""Render Video: a clip of any length painted window by window, kept on the disk, and written frame by frame."""
