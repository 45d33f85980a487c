"""The trainings: TASKS names them; each is a module with a function make_task(state_dir, *, report)."""

# in the order in which they build on each other
TASKS = ("vae", "decoder", "audio", "localizer", "generator", "interpolator")
