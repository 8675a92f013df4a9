"""Checkpoints: what was written comes back bit for bit, or an error does."""

import contextlib
import json
import os
import shutil
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.train import checkpoint, digests, folders, head, processes, stores
from jaxseq.train.checkpoint import Damaged, OtherTraining
from tests.devices import two_devices


SETTINGS = {"rate": 0.1, "sizes": (3, 4), "text": None}
HOST = {"epoch": 2, "records": [{"nats": 0.1}]}


def tree(seed=0):
    draw = np.random.default_rng(seed)
    return {
        "W": jnp.asarray(draw.standard_normal((40, 30)), jnp.float32),
        "narrow": jnp.asarray(draw.standard_normal(9), jnp.bfloat16),
        "moments": (jnp.asarray(draw.standard_normal((4, 5))), jnp.arange(3)),
        "none": jnp.zeros((0, 3)),
        "count": jnp.asarray(7, jnp.int32),
        "is": jnp.asarray([True, False]),
    }


def same(found, expected):
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    kinds = jax.tree.map(lambda a: (a.dtype, a.shape), (found, expected))
    assert kinds[0] == kinds[1]
    return True


@pytest.fixture
def store(tmp_path):
    with stores.opened(tmp_path / "checkpoints", SETTINGS) as store:
        yield store


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A folder with two checkpoints, to be copied and spoilt."""
    folder = tmp_path_factory.mktemp("two") / "checkpoints"
    with stores.opened(folder, SETTINGS) as store:
        checkpoint.save(store, 10, tree(10), HOST)
        checkpoint.save(store, 20, tree(20), HOST)
    return folder


@pytest.fixture
def spoilt(two, tmp_path):
    shutil.copytree(two, tmp_path / "spoilt")
    with stores.opened(tmp_path / "spoilt", SETTINGS) as store:
        yield store


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_saved_comes_back(store):
    assert checkpoint.latest(store, tree()) is None
    checkpoint.save(store, 12, tree(1), HOST)
    found = checkpoint.latest(store, jax.eval_shape(tree))
    assert (found.number, found.host, found.notes) == (12, HOST, ())
    assert same(found.tree, tree(1))


def test_it_says_by_which_software(store):
    place = checkpoint.save(store, 12, tree(1), HOST)
    head = json.loads(digests.unsealed((place / "checkpoint.json").read_bytes()))
    assert head["software"]["jax"] == jax.__version__
    assert set(head["leaves"]) == {
        *("['W']", "['narrow']", "['moments'][0]", "['moments'][1]"),
        *("['none']", "['count']", "['is']"),
    }


@two_devices
def test_what_comes_back_is_where_it_belongs(store):
    checkpoint.save(store, 1, tree(1), {})
    mesh = jax.make_mesh((2,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    by_row = jax.NamedSharding(mesh, jax.P("x"))
    like = tree() | {"W": jax.device_put(tree()["W"], by_row)}
    found = checkpoint.latest(store, like).tree
    assert found["W"].sharding == by_row
    assert same(found, tree(1))
    checkpoint.save(store, 2, found, {})
    assert same(checkpoint.latest(store, tree()).tree, tree(1))


def test_the_newest_and_the_best_are_kept(tmp_path):
    with stores.opened(tmp_path, SETTINGS, stores.Keep(last=2, best=1)) as store:
        for number, score in enumerate([3.0, 1.0, 2.0, None, 1.5, None]):
            checkpoint.save(store, number, tree(number), {}, score)
        assert folders.numbers(tmp_path) == [1, 4, 5]
        assert same(checkpoint.best(store, tree()).tree, tree(1))
        # Gone back to 4, the training writes 4 again: 5 will be another one.
        checkpoint.save(store, 4, tree(44), {}, 0.5)
        assert folders.numbers(tmp_path) == [1, 4]
        assert same(checkpoint.best(store, tree()).tree, tree(44))


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (SETTINGS | {"rate": 0.2}, "rate"),
        (SETTINGS | {"more": None}, "more"),
        ({"rate": 0.2, "sizes": [3, 5]}, "rate, sizes, text"),
    ],
)
def test_another_training_is_refused(two, settings, names):
    with stores.opened(two, settings) as store:
        with pytest.raises(OtherTraining, match=f"training: {names} differ$"):
            checkpoint.latest(store, tree())


def test_another_tree_is_refused_naming_every_leaf(two):
    like = tree() | {"W": jnp.zeros((40, 31)), "new": jnp.zeros(())}
    del like["narrow"]
    with stores.opened(two, SETTINGS) as store:
        with pytest.raises(OtherTraining) as refusal:
            checkpoint.latest(store, like)
    message = str(refusal.value)
    assert "['W']: expected float64[40, 31], got float32[40, 30]" in message
    assert "['narrow']: expected none, got bfloat16[9]" in message
    assert "['new']: expected float64[], got none" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "leaf",
    [jax.random.key(0), 3.0, None.__class__, np.array("text"), np.array([None])],
    ids=repr,
)
def test_what_is_no_array_is_refused(store, leaf):
    with pytest.raises(ValueError, match=r"^\['W'\]: expected an array of numbers"):
        checkpoint.save(store, 1, {"W": leaf}, {})


def test_what_is_not_finite_is_not_saved(store):
    checkpoint.save(store, 1, tree(1), {})
    bad = tree(2) | {"narrow": jnp.asarray([1, jnp.nan], jnp.bfloat16)}
    with pytest.raises(FloatingPointError, match=r"at update 2: \['narrow'\] is not"):
        checkpoint.save(store, 2, bad, {})
    assert folders.numbers(store.folder) == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, {}, {}), "number: expected an integer ≥ 0, got -1"),
        ((1, {}, {"a": jnp.zeros(2)}), "host: expected a mapping that JSON holds"),
        ((1, {}, {1: 2, "1": 3}), "host: expected .*, got one name twice: 1, 1$"),
        ((1, {}, {}), "tree: expected an array with entries, got none"),
        ((1, {}, {}, float("nan")), "score: expected a finite number or None, got nan"),
    ],
)
def test_wrong_arguments_are_refused(store, arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        checkpoint.save(store, *arguments)
    assert os.listdir(store.folder) == []


@pytest.mark.parametrize("num_flips", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_every_flipped_bit_is_found(spoilt, num_flips):
    newest = folders.place(spoilt.folder, 20)
    draw = np.random.default_rng(0)
    paths = files(newest)
    sizes = np.array([path.stat().st_size for path in paths])
    for _ in range(num_flips):
        path = paths[draw.choice(len(paths), p=sizes / sizes.sum())]
        content = path.read_bytes()
        spoiled = bytearray(content)
        spoiled[draw.integers(len(content))] ^= 1 << int(draw.integers(8))
        path.write_bytes(spoiled)
        with pytest.raises(Damaged, match="step_0000000020"):
            checkpoint.load(spoilt, 20, tree())
        path.write_bytes(content)
    assert same(checkpoint.load(spoilt, 20, tree()).tree, tree(20))


def test_every_file_that_is_cut_or_gone_leads_to_the_one_before(spoilt):
    newest = folders.place(spoilt.folder, 20)
    assert len(files(newest)) >= 5
    for path in files(newest):
        content = path.read_bytes()
        shorter = [content[:-1], content[: len(content) // 2], b""] if content else []
        for spoiled in (*shorter, content + b"\0", None):
            path.unlink() if spoiled is None else path.write_bytes(spoiled)
            with pytest.raises(Damaged):
                checkpoint.load(spoilt, 20, tree())
            path.write_bytes(content)
        path.unlink()
        found = checkpoint.latest(spoilt, tree())
        assert found.number == 10
        (note,) = found.notes
        assert "step_0000000020' is damaged: " in note
        path.write_bytes(content)
    assert checkpoint.latest(spoilt, tree()).number == 20
    shutil.rmtree(newest)
    assert same(checkpoint.latest(spoilt, tree()).tree, tree(10))


def test_what_was_gone_back_from_is_not_kept_in_place_of_what_is_whole(tmp_path):
    with stores.opened(tmp_path, SETTINGS) as store:
        checkpoint.save(store, 90, tree(90), HOST, 2.0)
        checkpoint.save(store, 100, tree(100), HOST, 1.0)
        (folders.place(tmp_path, 100) / "checkpoint.json").write_bytes(b"")
        found = checkpoint.latest(store, tree())
        stores.put_aside(store, found.number)
        assert sorted(os.listdir(tmp_path)) == ["damaged_0000000100", "step_0000000090"]
        assert checkpoint.best(store, tree()).number == 90
        checkpoint.save(store, 105, tree(105), HOST)
        assert sorted(os.listdir(tmp_path)) == ["step_0000000090", "step_0000000105"]
        (folders.place(tmp_path, 105) / "checkpoint.json").write_bytes(b"")
        assert same(checkpoint.latest(store, tree()).tree, tree(90))


def test_whoever_starts_afresh_leaves_nothing_behind(spoilt):
    stores.put_aside(spoilt, 10)
    stores.clear(spoilt)
    assert os.listdir(spoilt.folder) == []


def test_what_cannot_be_read_now_is_not_gone_back_from(spoilt, monkeypatch):
    unreadable = folders.place(spoilt.folder, 20) / "checkpoint.json"

    def refuse(path, *args, **options):
        if Path(path) == unreadable:
            raise PermissionError(13, "Permission denied", str(path))
        return open(path, *args, **options)

    monkeypatch.setattr(head, "open", refuse, raising=False)
    message = "^cannot read the checkpoint '.*0020': Permission denied$"
    with pytest.raises(OSError, match=message):
        checkpoint.latest(spoilt, tree())
    monkeypatch.undo()
    assert checkpoint.latest(spoilt, tree()).number == 20


def test_the_best_stays_where_it_cannot_be_read_now(tmp_path, monkeypatch):
    with stores.opened(tmp_path, SETTINGS, stores.Keep(last=1, best=1)) as store:
        checkpoint.save(store, 1, tree(1), {}, 1.0)
        checkpoint.save(store, 2, tree(2), {}, 3.0)
        best = folders.place(tmp_path, 1) / "checkpoint.json"

        def refuse(path, *args, **options):
            if Path(path) == best:
                raise OSError(24, "Too many open files", str(path))
            return open(path, *args, **options)

        monkeypatch.setattr(head, "open", refuse, raising=False)
        checkpoint.save(store, 3, tree(3), {}, 2.0)
        with pytest.raises(OSError, match="0001': Too many open files"):
            checkpoint.best(store, tree())
        monkeypatch.undo()
        assert folders.numbers(tmp_path) == [1, 3]
        assert checkpoint.best(store, tree()).number == 1


def test_one_in_the_place_of_another_is_not_the_best(tmp_path):
    with stores.opened(tmp_path, SETTINGS, stores.Keep(last=1, best=1)) as store:
        checkpoint.save(store, 20, tree(20), {}, 1.0)
        shutil.copytree(folders.place(tmp_path, 20), folders.place(tmp_path, 15))
        checkpoint.save(store, 30, tree(30), {}, 2.0)
        assert folders.numbers(tmp_path) == [20, 30]
        assert checkpoint.best(store, tree()).number == 20


def test_what_orbax_cannot_read_though_it_is_whole_is_no_damage(spoilt, monkeypatch):
    def fail(path, wanted):
        raise MemoryError("no memory")

    monkeypatch.setattr(checkpoint.stored, "read", fail)
    message = "^cannot read the checkpoint '.*0020': no memory$"
    with pytest.raises(OSError, match=message):
        checkpoint.latest(spoilt, tree())


def test_one_in_the_place_of_another_is_refused(spoilt):
    place = folders.place(spoilt.folder, 20)
    place.rename(folders.place(spoilt.folder, 77))
    with pytest.raises(Damaged, match="0077' is damaged: it is that after update 20"):
        checkpoint.load(spoilt, 77, tree())
    assert checkpoint.latest(spoilt, tree()).number == 10


def test_none_is_written_that_could_not_be_read(spoilt, monkeypatch):
    monkeypatch.setattr(head, "_LARGEST", 10**4)
    with pytest.raises(OSError, match=r"json: expected 10000 bytes at most.*got \d+$"):
        checkpoint.save(spoilt, 30, tree(30), {"records": list(range(10**4))})
    assert checkpoint.latest(spoilt, tree()).number == 20


def test_none_is_whole_is_not_none_is_there(spoilt):
    for number in (10, 20):
        (folders.place(spoilt.folder, number) / "checkpoint.json").write_bytes(b"")
    with pytest.raises(Damaged, match=r"^no checkpoint in .* is whole: .*0020' is"):
        checkpoint.latest(spoilt, tree())


def test_no_link_and_no_other_file_is_followed(spoilt):
    arrays = folders.place(spoilt.folder, 20) / "arrays"
    (arrays / "more").write_bytes(b"")
    with pytest.raises(Damaged, match="its file 'arrays/more'"):
        checkpoint.load(spoilt, 20, tree())
    (arrays / "more").unlink()
    path = next(path for path in files(arrays) if path.stat().st_size)
    elsewhere = spoilt.folder / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(Damaged, match="neither a file nor a folder"):
        checkpoint.load(spoilt, 20, tree())


def forged(store, change):
    """Writes a head with digests that are right, as somebody who knows how would."""
    path = folders.place(store.folder, 20) / "checkpoint.json"
    head = json.loads(digests.unsealed(path.read_bytes()))
    path.write_bytes(digests.sealed(change(head)))


@pytest.mark.parametrize(
    "text",
    ["[" * 10**5, "{}", "[]", "1e999", '{"format": 1}', '"' + "x" * 2**26 + '"'],
    ids=lambda text: text[:12],
)
def test_a_head_that_is_none_is_refused(spoilt, text):
    forged(spoilt, lambda head: text)
    assert checkpoint.latest(spoilt, tree()).number == 10


def test_a_leaf_with_another_digest_is_refused(spoilt):
    def change(head):
        head["leaves"]["['W']"]["sha256"] = "0" * 64
        return json.dumps(head)

    forged(spoilt, change)
    with pytest.raises(Damaged, match=r"\['W'\] has another digest"):
        checkpoint.load(spoilt, 20, tree())


@pytest.mark.parametrize("number", [0, 99])
@pytest.mark.parametrize("more", [True, False])
def test_another_format_is_refused_whatever_it_has(spoilt, number, more):
    def change(head):
        return json.dumps((head if more else {}) | {"format": number})

    forged(spoilt, change)
    with pytest.raises(OtherTraining, match=f"has format {number}, not 1"):
        checkpoint.latest(spoilt, tree())
    # It is not one that has a score, nor in the way.
    assert checkpoint.best(spoilt, tree()) is None


@pytest.mark.parametrize(
    "leaf", [None, {}, {"dtype": 1, "shape": [3], "sha256": ""}, {"shape": "3"}]
)
def test_leaves_that_are_none_are_damage(spoilt, leaf):
    forged(spoilt, lambda head: json.dumps(head | {"leaves": {"['W']": leaf}}))
    assert checkpoint.latest(spoilt, tree()).number == 10


def test_a_store_shuts_others_out(store):
    with pytest.raises(OSError, match="another run is using"):
        with stores.opened(store.folder, SETTINGS):
            pass


def test_what_is_discarded_is_gone_unless_another_run_uses_it(store):
    checkpoint.save(store, 1, tree(), {})
    stores.discard(store.folder)  # `store` is that other run
    assert folders.numbers(store.folder) == [1]


def test_killed_while_it_is_discarded_the_newest_is_whole(two, tmp_path, monkeypatch):
    folder = shutil.copytree(two, tmp_path / "checkpoints")
    numbers = folders.numbers(folder)
    remove = folders.remove

    def until(path):
        remove(path)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(folders, "remove", until)
        with pytest.raises(Killed):
            stores.discard(folder)
    with stores.opened(folder, SETTINGS) as store:
        assert checkpoint.latest(store, tree()).number == numbers[-1]
    stores.discard(folder)
    assert not folder.exists()
    stores.discard(folder)


def test_a_folder_that_is_removed_meanwhile_is_not_opened(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", lambda *_: shutil.rmtree(tmp_path / "a"))
    with pytest.raises(OSError, match="another run is using"):
        with stores.opened(tmp_path / "a", SETTINGS):
            pass


def test_what_a_killed_run_left_is_removed(tmp_path):
    for name in (".part-0000000030", ".gone-0000000010"):
        (tmp_path / name / "arrays").mkdir(parents=True)
    with stores.opened(tmp_path, SETTINGS):
        assert os.listdir(tmp_path) == []


class Killed(BaseException):
    """Ends a program wherever it is; what would tidy up is disabled too."""


@pytest.mark.parametrize(
    "function", ["rename", "mkdir", pytest.param("fsync", marks=pytest.mark.slow)]
)
def test_killed_at_any_call_the_older_ones_are_whole(spoilt, function, monkeypatch):
    """Ends a save at each call of the system that makes a change."""
    real = {"rename": os.rename, "fsync": os.fsync, "mkdir": os.mkdir}[function]
    saved = False
    for last in range(100):
        calls = iter(range(last))

        def until(*args, _calls=calls, **options):
            if next(_calls, None) is None:
                raise Killed
            return real(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, function, until)
            patch.setattr(shutil, "rmtree", lambda *args, **options: None)
            try:
                checkpoint.save(spoilt, 30, tree(30), HOST)
                saved = True
            except (Killed, OSError):
                pass
        found = checkpoint.latest(spoilt, tree())
        assert found.notes == ()
        assert same(found.tree, tree(found.number))
        folders.remove_unfinished(spoilt.folder)
        left = set(os.listdir(spoilt.folder))
        places = {folders.place(spoilt.folder, n).name for n in (10, 20, 30)}
        assert left <= places
        if saved:
            break
        for number in set(folders.numbers(spoilt.folder)) - {10, 20}:
            folders.remove(folders.place(spoilt.folder, number))
    assert saved
    assert last >= 1


def test_all_is_on_the_disk_before_it_has_its_name(store, monkeypatch):
    flushed, rename, flush = set(), os.rename, os.fsync
    place = folders.place(store.folder, 1)

    def fsync(handle):
        flushed.add(os.fstat(handle).st_ino)
        flush(handle)

    def renamed(part, path):
        if path != place:  # of Orbax, below
            return rename(part, path)
        inodes = {entry.stat().st_ino for entry in Path(part).rglob("*")}
        assert inodes | {Path(part).stat().st_ino} <= flushed
        rename(part, path)
        flushed.clear()
        return None

    monkeypatch.setattr(folders.os, "fsync", fsync)
    monkeypatch.setattr(folders.os, "rename", renamed)
    assert checkpoint.save(store, 1, tree(), HOST) == place
    assert store.folder.stat().st_ino in flushed


@pytest.mark.parametrize("num_missing", [0, 1])
def test_what_has_no_room_is_not_begun(spoilt, monkeypatch, num_missing):
    arrays = {f"W{n}": jnp.ones((100, 100)) for n in range(3)}
    num_bytes = sum(array.nbytes for array in arrays.values())
    free = num_bytes + 2**16 - num_missing
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: types.SimpleNamespace(free=free)
    )
    no_room = pytest.raises(OSError, match="0030': No space left on device$")
    with no_room if num_missing else contextlib.nullcontext():
        checkpoint.save(spoilt, 30, arrays, HOST)
    assert (30 in folders.numbers(spoilt.folder)) == (not num_missing)


def test_a_full_disk_of_the_first_process_ends_the_others(spoilt, monkeypatch):
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    monkeypatch.setattr(processes, "agreed", lambda is_full: (1.0,))
    with pytest.raises(OSError, match="cannot write the checkpoint .*: No space left"):
        checkpoint.save(spoilt, 30, tree(), HOST)


@pytest.mark.parametrize("number", [0, 1])
def test_no_process_goes_on_before_it_has_its_place(store, monkeypatch, number):
    seen = []
    monkeypatch.setattr(jax, "process_index", lambda: number)
    monkeypatch.setattr(
        processes, "wait", lambda: seen.append(folders.numbers(store.folder))
    )
    if number:
        folders.part_of(folders.place(store.folder, 7)).mkdir()
    checkpoint.save(store, 7, tree(), HOST)
    # The first one writes for all.
    assert seen == [[] if number else [7]]


def test_a_failing_disk_leaves_the_older_ones(spoilt, monkeypatch):
    from orbax.checkpoint import v1 as ocp

    def full(path, arrays):
        Path(path).mkdir()
        (Path(path) / "half").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ocp, "save", full)
    with pytest.raises(OSError, match=r"0030': No space left on device$"):
        checkpoint.save(spoilt, 30, tree(30), HOST)
    assert sorted(os.listdir(spoilt.folder)) == ["step_0000000010", "step_0000000020"]
    assert same(checkpoint.latest(spoilt, tree()).tree, tree(20))
