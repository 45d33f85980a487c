"""A plan for the models and programs of others: their frame rates and lengths, segments, prompts and dissolves."""
