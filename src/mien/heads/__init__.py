"""Heads: landmarks in, expression out. numpy at both ends."""
