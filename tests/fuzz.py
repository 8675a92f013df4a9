"""Fuzzes every reader of `tests.readers` by atheris, where there is atheris.

    python -m tests.fuzz --seconds 60           all of them, in this time together
    python -m tests.fuzz vectors --seconds 60       one of them

A file that a reader fails on, other than by a `ValueError`, ends it with exit status 1
and is kept in `out/fuzz/`. Reference: https://github.com/google/atheris.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path


FAILED = Path("out/fuzz")


def main() -> int:
    if importlib.util.find_spec("atheris") is None:
        print("nothing is fuzzed: there is no atheris for this system")
        return 0
    parser = argparse.ArgumentParser()
    parser.add_argument("name", nargs="?", help="of a reader; all if it is left out")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder is not None:
        fuzz(options.name, options.seconds, options.folder)
    from tests.readers import READERS

    names = list(READERS) if options.name is None else [options.name]
    seconds = max(1, options.seconds // len(names))
    failed = [name for name in names if not passes(name, seconds)]
    if failed:
        print(f"failed: {', '.join(failed)}; the files are in {FAILED}")
    return int(bool(failed))


def passes(name: str, seconds: int) -> bool:
    """Fuzzes a reader in a process of its own, and shows how that ended."""
    FAILED.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        options = ("--seconds", str(seconds), "--folder", folder)
        command = [sys.executable, "-m", "tests.fuzz", name, *options]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        print(f"{name}: failed\n{run.stderr[-5000:]}", flush=True)
        return False
    print(f"{name}: {run.stderr.splitlines()[-1]}", flush=True)
    return True


def fuzz(name: str, seconds: int, folder: Path) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["jaxseq"]):
        from tests.readers import READERS, refuses
    reader = READERS[name]
    samples = folder / "samples"
    samples.mkdir()
    for number, sample in enumerate(reader.samples):
        (samples / str(number)).write_bytes(sample)

    def one(content: bytes) -> None:
        refuses(reader, content, folder)

    limits = (f"-max_total_time={seconds}", "-timeout=5", "-max_len=4096")
    kept = f"-artifact_prefix={FAILED}/{name.replace(' ', '_')}-"
    atheris.Setup([sys.argv[0], *limits, kept, str(samples)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
