"""Whole networks as modules: many to one, one to one, many to many."""
