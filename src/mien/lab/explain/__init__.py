"""``mien explain``: what in a picture, or which landmarks, moved a net's decision."""
