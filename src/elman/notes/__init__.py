"""Music -> features: notes, MIDI, ABC, piano rolls; and back, to a file and to sound."""
