"""Emotion by every family of method: scores, classical models, explanations, the table of all."""
