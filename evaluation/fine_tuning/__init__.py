"""What fine-tuning changes: a scene that no network of the pack was trained on, before and after."""
