"""What every page is made of: markup, palette, numbers, plots as SVG, one self-contained file."""
