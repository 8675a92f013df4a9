"""What every experiment of the classics checks of its options."""

import dataclasses
import math

from .. import cli


@dataclasses.dataclass(frozen=True)
class Settings:
    """The base of every `Config`: refuses values that make no sense."""

    def __post_init__(self):
        """Refuses counts below 1, a negative seed, numbers that are not finite.

        Raises:
            ValueError: naming the option.
        """
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int):
                self.expect_least(field.name, 0 if field.name == "seed" else 1)
            elif isinstance(value, float) and not 0 <= value < math.inf:
                self.refuse(field.name, "a finite number of 0 or more")

    def expect_least(self, name: str, least: int) -> None:
        """Refuses an option below a bound."""
        if getattr(self, name) < least:
            self.refuse(name, f"{least} or more")

    def refuse(self, name: str, expected: str) -> None:
        """Raises the error that names an option, what was expected and what came."""
        cli.expect(False, name, expected, getattr(self, name))
