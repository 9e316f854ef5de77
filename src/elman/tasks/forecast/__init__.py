"""The task `forecast`: how series go on."""
