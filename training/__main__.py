"""`python -m training`: says which recipes there are."""

print("Recipes: python -m training.classify --help, python -m training.refine --help")
