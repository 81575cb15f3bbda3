"""What is needed to look into an incident, in one file: collected by name, without secrets and without rows."""
