"""How many threads the networks of the tests are computed with."""

import os

# networks this small are slower on several threads; OMP_NUM_THREADS asks for more, which add up in another order and
# so try the tolerances
N_THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))
