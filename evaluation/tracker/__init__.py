"""Reads the times of visible events off a video of the procedural world; `validate` measures how well."""
