"""Faces over the network, in the formats that avatar programs speak, and their recordings."""
