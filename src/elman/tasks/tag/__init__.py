"""Sequence to a tag a token: the model, its data and what its report shows."""
