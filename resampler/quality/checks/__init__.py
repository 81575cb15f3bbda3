"""What would mislead a model in rows, asked before they are published."""
