"""From expression to what drives an avatar. For now: smoothing."""
