"""What each dashboard shows, a module each, in terms of `panel`; `build` makes Grafana's JSON of it."""
