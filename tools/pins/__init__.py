"""Which versions of everything the project runs on, and how others are tried."""
