"""What alembic runs: always inside the transaction that `Database.migrate` has begun."""

from alembic import context

from shared.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True
)
context.run_migrations()
