"""Making KeyVID's own small networks: the procedural world they learn from, and their training."""
