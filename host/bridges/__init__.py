"""A plan and its images for other models' nodes: one module per bridge."""
