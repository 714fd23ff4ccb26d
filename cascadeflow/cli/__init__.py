"""The command line. `app.py` lists the commands; only this package writes to the terminal."""
