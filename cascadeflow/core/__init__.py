"""The cascade itself: what happens next, decided without I/O, clock or chance."""
