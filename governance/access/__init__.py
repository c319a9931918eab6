"""Questions about access: who can query a model, what somebody reaches, why something was denied, what a draft would flip.

Every answer comes from `governance.policies`, as the gate's does.
"""
