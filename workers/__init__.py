"""The fleet's workers, one folder each. Workers never import each other."""
