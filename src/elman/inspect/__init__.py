"""What a model remembers, what it got wrong, and why: the diagnostics, and the page that shows them."""
