"""Regions: a matrix sorted into cells in one or several pieces, which neighbours are found in piece by piece.

What is found follows from the rows, their ids, and how many cells a cell of queries may scan; not from how the queries
are divided, nor from where a piece lies: in memory, or mapped from a file.
"""
