"""cascadeflow: stream LLM answers through a cascade of models."""

__version__ = "0.1.0"
