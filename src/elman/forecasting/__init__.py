"""Series in time: their dates, frequency and repairs; naive and classical forecasts; how forecasts are judged."""
