"""What the networks learn from, made from the procedural world and kept on the disk."""
