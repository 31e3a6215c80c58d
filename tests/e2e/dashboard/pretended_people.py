"""People in memory, for the pages that manage them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from dashboard.store.people import LoginRecord, NameTaken, User

ADA = User("u-1", "ada", "admin", "")


@dataclass
class PretendedPeople:
    """What the store of people offers to those who manage them."""

    users: dict[str, User] = field(default_factory=lambda: {ADA.id: ADA})
    log: list[LoginRecord] = field(default_factory=list)

    def all(self) -> list[tuple[User, datetime]]:
        """Return every user."""
        return [(user, datetime.now(UTC)) for user in self.users.values()]

    def get(self, user_id: str) -> User | None:
        """Return one user."""
        return self.users.get(user_id)

    def add(self, user: User, now: datetime) -> None:
        """Add one."""
        if user.name in {known.name for known in self.users.values()}:
            raise NameTaken(user.name)
        self.users[user.id] = user

    def change_rights(self, user: User) -> None:
        """Keep new rights."""
        self.users[user.id] = user

    def change_password(self, user: User, password_hash: str, now: datetime) -> None:
        """Nobody logs in here."""

    def remove(self, user: User) -> None:
        """Take one out."""
        del self.users[user.id]

    def record(self, entry: LoginRecord) -> None:
        """Keep a line."""
        self.log.append(entry)

    def recorded_with_ids(self, limit: int, below: int | None = None) -> list[tuple[int, LoginRecord]]:
        """Return the newest lines."""
        numbered = [(number, entry) for number, entry in enumerate(self.log, 1) if number < (below or 2**60)]
        return numbered[::-1][:limit]


@dataclass
class PretendedSessions:
    """Where the routes look for people."""

    people: PretendedPeople = field(default_factory=PretendedPeople)
