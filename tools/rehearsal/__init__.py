"""Behind `python dev.py rehearse`: the released path at full size, with random values in the place of the weights."""
