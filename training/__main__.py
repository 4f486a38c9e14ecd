"""`python -m training`: says which recipes there are."""

RECIPES = (
    "detections",
    "pretrain",
    "site_acts",
    "site_experts",
    "graph_nets",
    "interaction",
    "panel",
    "refine",
)

print("Recipes:", ", ".join(f"python -m training.{recipe} --help" for recipe in RECIPES))
