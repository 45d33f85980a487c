"""Behind `python dev.py weights`: what is asked, what is shown, and a page to try it with."""
