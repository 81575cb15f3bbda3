"""A matrix at hand: cells of its rows, and every row's neighbours."""
