"""The task `compose`: music, frame by frame."""
