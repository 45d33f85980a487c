"""The training loop that all networks share: steps, averaged weights, the log, and states to resume from."""
