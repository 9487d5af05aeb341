"""Work-queue widgets: segments with counts, the panel that asks what a step needs, the page over both."""
