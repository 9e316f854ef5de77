"""The sections of a training's report, and the card."""
