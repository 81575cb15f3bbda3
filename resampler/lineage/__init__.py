"""What is said of a published version to those who ask where a model's rows came from: events, runs, answers."""
