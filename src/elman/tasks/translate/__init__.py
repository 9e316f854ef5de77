"""The task `translate`: a text becomes another text, of another length and mostly of another language."""
