"""`python -m training`: says which recipes there are."""

RECIPES = ("detections", "pretrain", "graph_nets", "interaction", "panel", "refine")

print("Recipes:", ", ".join(f"python -m training.{recipe} --help" for recipe in RECIPES))
