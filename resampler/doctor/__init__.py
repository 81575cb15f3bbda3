"""Whether versions, and what runs on them, are ready: a checklist whose items are looked up, not ticked off."""
