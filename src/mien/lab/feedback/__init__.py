"""Learning from what people have corrected, without forgetting what was known."""
