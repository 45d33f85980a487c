"""Translations: from what a person wrote in one table per language to the files that ComfyUI and the editor read."""
