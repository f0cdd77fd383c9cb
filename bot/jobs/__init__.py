"""The seam to background work: what runs (tasks), where it runs (in this process), and when (the clock)."""
