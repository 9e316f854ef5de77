"""The task `generate`: what comes next."""
