"""The loop that schedulers run: drift, snapshot, training, gate, alias, each once, whoever is killed when."""
