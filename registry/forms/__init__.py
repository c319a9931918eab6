"""Forms of the registry, by noun: they check dictionaries and never save."""
