"""Scripts that other processes are started with."""
