"""Recipes and settings: TOML in and out, every key checked."""
