"""A cell or a layer told: equations, what runs, cost, speed, the picture."""
