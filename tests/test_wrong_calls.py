"""A wrong call raises a ValueError: the argument, what was expected, what came."""

import re

import pytest

from tests.wrong_calls import WRONG_CALLS
from tests.wrong_calls_of_tasks import WRONG_CALLS_OF_TASKS


ALL = (*WRONG_CALLS, *WRONG_CALLS_OF_TASKS)


@pytest.mark.parametrize("wrong", ALL, ids=lambda wrong: wrong.name)
def test_wrong_call_is_refused(wrong):
    with pytest.raises(ValueError, match="expected") as caught:
        wrong.call()
    message = re.fullmatch(
        "(.+?): expected (.+?), got (.+)", str(caught.value), re.DOTALL
    )
    assert message, caught.value
    argument, expected, got = message.groups()
    assert argument.startswith(wrong.argument)
    assert wrong.expected in expected
    assert wrong.got in got


def test_wrong_calls_differ():
    assert len({wrong.name for wrong in ALL}) == len(ALL) >= 200
