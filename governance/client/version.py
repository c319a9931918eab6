"""Which release this is; told to the portal with every request. A test holds it equal to pyproject.toml."""

VERSION = "0.1.0"
