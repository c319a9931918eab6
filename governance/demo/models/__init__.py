"""The models of the demo, one file each. They are trained there and then; none is stored in the project."""
