"""The people of a fresh site: e-mail, token and role are listed in the README."""

from __future__ import annotations

import uuid

from sandbox.model import Role, User

_NAMESPACE = uuid.UUID("5f0d8f0c-6a35-4d0e-9d6f-3b0a1c2d4e5f")


def account_id_of(name: str) -> str:
    """Return the account id that belongs to `name`, the same in every process."""
    return f"712020:{uuid.uuid5(_NAMESPACE, name)}"


def _person(name: str, *, login: str, role: Role) -> User:
    return User(
        account_id=account_id_of(login),
        display_name=name,
        role=role,
        email=f"{login}@example.com",
        token=f"{login}-token",
    )


def default_people() -> list[User]:
    """Return the site's administrator, two editors and a reader."""
    return [
        _person("Site Admin", login="admin", role="admin"),
        _person("Олена Коваленко", login="olena", role="editor"),
        _person("Max Schneider", login="max", role="editor"),
        _person("Rita Reader", login="reader", role="reader"),
    ]
