"""The shapes of the lecture as modules: many to one, one to one, many to many."""
