"""The users of a site: people and the users behind apps."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterable

from sandbox.model import User
from sandbox.refusals import UserMissing

_NAMESPACE = uuid.UUID("c1d5a6a0-3c1c-4b57-8a55-6e4d0b7a9e10")


class Directory:
    """Users by account id, in the order in which they came."""

    def __init__(self, people: Iterable[User]) -> None:
        self.by_id: dict[str, User] = {user.account_id: user for user in people}

    @property
    def admin(self) -> User:
        """The first active administrator.

        Raises:
            UserMissing: The site has none.
        """
        for user in self.people():
            if user.role == "admin":
                return user
        raise UserMissing("admin")

    def people(self) -> list[User]:
        """Return the active users that are people."""
        return [
            user for user in self.by_id.values() if user.active and not user.app_key
        ]

    def get(self, account_id: str) -> User:
        """Return a user, removed ones too.

        Raises:
            UserMissing: Nobody has this account id.
        """
        user = self.by_id.get(account_id)
        if user is None:
            raise UserMissing(account_id)
        return user

    def by_credentials(self, email: str, token: str) -> User | None:
        """Return the active person whose e-mail and API token these are."""
        for user in self.people():
            if user.email.lower() == email.lower() and user.token:
                proved = hmac.compare_digest(user.token.encode(), token.encode())
                return user if proved else None
        return None

    def app_user(self, app_key: str, display_name: str) -> tuple[User, bool]:
        """Return the app's active user, and whether it is new or was brought back."""
        account_id = f"557058:{uuid.uuid5(_NAMESPACE, app_key)}"
        known = self.by_id.get(account_id)
        if known is not None:
            fresh = not known.active
            known.active, known.display_name = True, display_name
            return known, fresh
        made = User(
            account_id=account_id,
            display_name=display_name,
            role="editor",
            app_key=app_key,
        )
        self.by_id[account_id] = made
        return made, True
