"""Weight files: their layouts, and how they are read without running anything in them."""
