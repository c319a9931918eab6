"""Pages of control."""
