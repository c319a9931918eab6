"""Finding things: one definition of each list for its page, its CSV file, the REST interface and saved filters.

`criteria` says what can be asked of a list, `models`, `systems` and `datasets` are the lists, `everywhere` searches all
of them at once. Text search itself is the registry's (`registry/search`); here it meets risk, clearance and visibility.
"""
