"""`python -m workers`: the `nexara` command without its script."""

from workers.cli.main import main

main()
