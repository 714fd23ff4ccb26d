"""Checks of what happens when things break, for anyone to run; not part of the wheel."""
