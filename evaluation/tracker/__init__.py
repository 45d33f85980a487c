"""Reads the pose of the moving thing, and the times of visible events, off a video of the procedural world."""
