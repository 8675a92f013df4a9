"""Which checkpoint of a run is the last one, and when the next is due."""

from jaxseq.train import checkpoint
from jaxseq.train.setting import Setting
from jaxseq.train.state import Position, State
from jaxseq.train.stores import Store


class Diverged(ArithmeticError):
    """Updates are not finite any more; the message is one line."""


class Saved:
    """The last checkpoint, if there is one, and where to write the next."""

    def __init__(self, store: Store | None, position: Position):
        """Takes the store, None for nowhere, and where the run begins."""
        self._store = store
        self.number = position.number if store is not None and position.number else None
        self._seconds = position.seconds

    def is_late(self, setting: Setting, position: Position) -> bool:
        """Returns whether a checkpoint is due.

        Args:
            setting: how often they are.
            position: where the training is.
        """
        every = setting.save_every
        if every and position.number % every == 0:
            return True
        return position.seconds - self._seconds >= setting.save_seconds

    def write(self, state: State, position: Position, score: float | None) -> None:
        """Writes a checkpoint, unless the last one is of the same update.

        Args:
            state: what to write.
            position: where the training is.
            score: the held-out cost, lower is better; None if nobody knows.

        Raises:
            Diverged: if the state is not finite.
            OSError: in one line, if it cannot be written.
        """
        if self._store is None or self.number == position.number:
            return
        host = position._asdict()
        try:
            checkpoint.save(self._store, position.number, state, host, score)
        except FloatingPointError as error:
            hint = f"{error}{self.hint()}; try a smaller learning rate"
            raise Diverged(hint) from None
        self.number, self._seconds = position.number, position.seconds

    def hint(self) -> str:
        """Says for a message which checkpoint is the last."""
        if self.number is None:
            return ""
        return f" (the last good checkpoint is that after update {self.number})"
