"""What was said so far -> an answer."""
