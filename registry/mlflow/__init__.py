"""The tracking server's side of the registry: the only place in the product that knows MLflow.

Plain facts come out; no row is written here. MLflow itself is imported inside functions, so that importing
this package costs nothing to a process that never asks the tracking server.
"""
