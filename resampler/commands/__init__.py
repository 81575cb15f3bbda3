"""The commands of the core; what they can do is in the rooms below."""
