"""What synthetic rows give away of the real rows that they were made from: attacks, and how far they come."""
