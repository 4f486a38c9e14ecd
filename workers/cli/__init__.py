"""The `nexara` command, one file a subcommand. Only it (and tests) may see several workers."""
