"""`Result`, what plugins hand to each other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Result:
    """What a plugin found.

    Attributes:
        relates_to: What the result is about, for example `ec2`.
        result_name: The result's own name; outputs use it as a file's name.
        result_description: What the result tells, in one line.
        details: An object, or a list of objects.
        formatted: Text for people.
        extra: Members beyond these five; they travel with the result.
    """

    relates_to: str
    result_name: str
    result_description: str
    details: dict[str, Any] | list[dict[str, Any]]
    formatted: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_members(cls, **members: Any) -> Result:
        """Returns a Result made of the members of an object on the wire."""
        known = {name: members.pop(name) for name in _MEMBERS}
        return cls(**known, extra=members)

    @property
    def members(self) -> dict[str, Any]:
        """The members as they stand on the wire."""
        return {**{name: getattr(self, name) for name in _MEMBERS}, **self.extra}

    def with_(self, **changes: Any) -> Result:
        """Returns a copy, some members exchanged."""
        return replace(self, **changes)


_MEMBERS = ("relates_to", "result_name", "result_description", "details", "formatted")
