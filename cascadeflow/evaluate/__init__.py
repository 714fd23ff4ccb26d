"""Measures decisions against recorded outcomes: replay, metrics, reports. Extra `[eval]`.

The core never imports this package, and what needs numpy or altair is imported when it is used.
"""
