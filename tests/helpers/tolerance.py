"""How far two float32 runs of one calculation differ by rounding alone."""

EPSILON = 2.0**-23  # of float32, relative to the value


def float32_tolerance(*, n_steps=1, amplification=1.0, n_layers=64):
    """The share of the largest value by which rounding alone moves a result; an upper estimate.

    Each machine adds up in an order of its own (vector width, threads, shapes), so each layer moves its result by
    about EPSILON; the moves of n_layers layers have random signs and grow with their root. Guidance multiplies them
    by the sum of its weights' absolute values (`amplification`), and each step of a sampler adds its own in full.
    64 layers are more than the small networks of the tests have. Where it was recorded (one and two threads, AVX2
    and none), no comparison used a fifth of this.
    """
    return EPSILON * n_layers**0.5 * amplification * n_steps
