"""Data: files as users have them -> tables, tagged sentences, recipes. Nothing here imports torch."""
