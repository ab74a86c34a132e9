"""The workshop: everything that trains, scores or derives. Nothing outside imports it."""
