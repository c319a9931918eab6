"""The demo: real parts, started and seeded by doing."""

# What the seed names and the journey looks for. The journey is a client and loads nothing of the portal.
README = "complaint-router.README.md"
SKETCHED = "churn-sketch-training"
FILTER = "High risk, not cleared"
