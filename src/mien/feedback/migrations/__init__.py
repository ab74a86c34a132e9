"""How the tables came to be, step by step, up and down.

Alembic runs ``env.py`` and the files in ``versions``; :func:`migrate` runs Alembic. A step is never
changed once it has been released.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

__all__ = ["head", "migrate", "revision", "revisions"]


def _config() -> Config:
    config = Config()
    # A percent sign would be read as the beginning of a variable.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def revisions() -> list[str]:
    """All steps, the first one first."""
    script = ScriptDirectory.from_config(_config())
    return [step.revision for step in script.walk_revisions()][::-1]


def head() -> str:
    """The last step."""
    return revisions()[-1]


def revision(connection: Connection) -> str | None:
    """The step that a database is at; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def migrate(connection: Connection, target: str, *, up: bool) -> None:
    """Go to a step; the tables and what they hold go with it.

    Args:
        connection: in a transaction, which the caller ends.
        target: a step, ``head`` or ``base``.
        up: the direction.
    """
    config = _config()
    config.attributes["connection"] = connection
    (command.upgrade if up else command.downgrade)(config, target)
