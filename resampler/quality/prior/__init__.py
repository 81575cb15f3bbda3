"""Probabilities of a model that was trained on other shares of the classes than there are, put right."""
