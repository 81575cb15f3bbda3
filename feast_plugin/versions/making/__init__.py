"""What is made of a version's rows: the recipe, synthetic rows, cleaning, and the checks before they are published."""
