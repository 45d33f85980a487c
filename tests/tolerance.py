"""How far two float32 runs of one calculation differ by rounding alone."""

EPSILON = 2.0**-23  # of float32, relative to the value


def float32_tolerance(*, n_steps=1, amplification=1.0, n_layers=64):
    """The share of the largest value by which rounding alone moves a result, in root mean square, as an upper estimate.

    n_layers is more than the small networks of the tests have, and each step counts in full, so that real errors stay
    below: with one and two threads, with AVX2 and without, no comparison used a fifth of it. Each machine adds up in an order of its own (vector width, threads, shapes), so each layer moves its answer
    by about EPSILON; the moves of n_layers layers have random signs and grow with their root. Guidance multiplies
    them by the sum of its weights' absolute values (`amplification`), and each step of a sampler adds its own.
    """
    return EPSILON * n_layers**0.5 * amplification * n_steps
