"""From training states to the shipped weight files, and back."""
