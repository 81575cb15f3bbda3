"""What `bench/prequential.py` is made of: streams, what learners are taught, learners, measures, tables."""
