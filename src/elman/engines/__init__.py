"""The same step through time, three ways: readable, torch's own, fused."""
