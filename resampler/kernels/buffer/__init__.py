"""One class's rows while they come and go: their graph, the search, and what is made of them."""
