"""The Redis side: connections, replies as they come, keys, entry ids, errors, a server to try on."""
