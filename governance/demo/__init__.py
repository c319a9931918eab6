"""The demo: real parts, started and seeded by doing."""
