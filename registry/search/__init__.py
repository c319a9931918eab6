"""Search: what somebody typed, what it matches, where it stands, and the index behind it.

`query` reads what was typed, `matching` turns it into conditions and a rank, `snippets` says where a hit stands,
`index` rebuilds what triggers keep (migration 0051).
"""
