"""How many threads the networks of the tests are computed with."""

import os

# networks this small are slower on several threads, most of all on a busy machine; OMP_NUM_THREADS asks for more,
# which adds up in another order and so tries the tolerances
N_THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))
