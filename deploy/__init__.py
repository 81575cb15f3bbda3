"""What an installation is watched and run with: rules, dashboards, manifests, an image."""
