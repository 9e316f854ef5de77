"""From waves to features: speech, brain waves and whatever else is measured many times a second."""
