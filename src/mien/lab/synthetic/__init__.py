"""Faces that are made: ICT-FaceKit heads with known expression, as landmarks and as pictures."""
