"""The ways to a receiver. Each sends, and says in words why it could not.

No text that leaves this package holds a secret: neither that of an error nor a line of a library's log.
"""
