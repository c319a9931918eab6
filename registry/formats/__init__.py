"""Documents from elsewhere and for elsewhere."""
