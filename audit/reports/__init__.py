"""Documents for an auditor, rendered from a frozen snapshot."""
