"""Control by REST: the same verbs and the same visibility as the pages, as JSON."""
