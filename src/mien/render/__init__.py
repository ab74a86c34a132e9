"""Pictures made from faces: :mod:`.overlay` draws them over the picture they were found in."""
