"""From expression to what drives an avatar, beginning with smoothing."""
