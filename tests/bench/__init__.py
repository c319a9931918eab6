"""What the design promises, measured: ratios against a peer or a physical limit, taken in one run on one machine."""
