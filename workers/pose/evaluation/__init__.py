"""How well skeletons and identities are followed, measured against a truth."""
