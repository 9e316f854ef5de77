"""Data file to fitted, saved, evaluated: one file a task."""
