"""The experiment of one import line: both losses, and a ratio."""

import re

import jax
import pytest

from experiments import flax_drop_in


TINY = "--num-hidden 4 --sequence-length 5 --batch-size 3 --num-steps 4 --num-rounds 1"


@pytest.mark.parametrize("api", [pytest.param("linen", marks=pytest.mark.slow), "nnx"])
def test_losses_agree_and_a_ratio_is_printed(capsys, api):
    # As users run it; optax promotes.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        flax_drop_in.main([*TINY.split(), "--api", api])
    printed = capsys.readouterr().out
    (apart,) = re.findall(r"largest difference of a loss: (\S+)", printed)
    assert float(apart) <= 1e-5
    rows = re.findall(r"^ +\d+ +(\d\.\d+) +(\d\.\d+)$", printed, re.MULTILINE)
    assert len(rows) == 3
    assert all(abs(float(a) - float(b)) <= 2e-6 for a, b in rows)
    assert float(rows[0][0]) > 0
    assert re.search(r"flax takes \d+\.\d\d times as long", printed)


def test_two_marks_and_their_sum():
    config = flax_drop_in.Config(num_steps=2, batch_size=3, sequence_length=5)
    inputs, targets = flax_drop_in.draw(config)
    assert inputs.shape == (2, 3, 5, 2)
    assert (inputs[..., 1].sum(axis=-1) == 2).all()
    sums = (inputs[..., 0] * inputs[..., 1]).sum(axis=-1)
    assert abs(targets - (0.5 + sums / 4)).max() <= 1e-6


def test_sizes_are_refused_by_name(capsys):
    with pytest.raises(SystemExit, match="2"):
        flax_drop_in.main(["--sequence-length", "1"])
    assert "--sequence-length: expected 2 or more, got 1" in capsys.readouterr().err
