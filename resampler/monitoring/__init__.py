"""What is exported to Prometheus, and what is alerted on: metrics, recording rules and alerts, each named once."""
