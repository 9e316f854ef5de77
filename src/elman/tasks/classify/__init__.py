"""Sequence to label: the model, its data and what its report shows."""
