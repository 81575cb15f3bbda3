"""What is run on published versions, each kept in a ledger: advice, the gate, drift, the loop around them."""
