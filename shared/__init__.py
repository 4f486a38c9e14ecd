"""What every worker shares: messages, the bus, the stage contract, the loop, configuration, metrics."""
