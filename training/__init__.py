"""How the shipped weights are made and measured, for those who make them; not installed.

`make weights`, `make eval` and `make guarantee`, each with `DATA=` a directory of labelled rows in
files named `<family>__<weak>__<strong>.jsonl.gz`. Nothing in `cascadeflow` imports this package.
"""
