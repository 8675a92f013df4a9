"""What several processes compare before they train as one."""

import jax
import pytest

from jaxseq.train import processes, setting, sharding
from tests.train.agreeing import of_two


def test_what_differs_is_named(monkeypatch):
    of_two(monkeypatch)
    processes.check_same({"seed": 0, "cell": "gru", "sizes": [1, 2]})
    processes.check_same({"seed": 0, "cell": "gru", "sizes": [1, 2]})
    with pytest.raises(processes.Different, match="differ in seed, sizes$"):
        processes.check_same({"seed": 1, "cell": "gru", "sizes": [1, None]})


@pytest.mark.parametrize(
    "other", [{"seconds": 3.0}, {"save_every": 7}, {"max_skipped": 1}], ids=str
)
def test_processes_train_as_long_and_save_as_often(monkeypatch, other):
    mine = setting.Setting(num_updates=10)
    of_two(monkeypatch)
    setting.check_same_setting(mine._replace(**other))
    (name,) = other
    with pytest.raises(processes.Different, match=rf"differ in setting\.{name}$"):
        setting.check_same_setting(mine)


def test_one_process_waits_for_nobody():
    processes.check_same({"seed": object()})
    processes.wait()


def test_a_process_without_a_device_is_refused(monkeypatch):
    assert sharding.mesh(1).size == 1
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(ValueError, match="num_devices: expected at least one of each"):
        sharding.mesh(1)
