"""What a card and a datasheet consist of."""
