# SPDX-License-Identifier: BSD-3-Clause
"""Install the wheel alone into an empty environment and run the README's example."""

import re
import subprocess
import tempfile
import venv
from pathlib import Path

EXTRAS = ("torch", "skorch", "dask", "distributed", "matplotlib", "rich")


def main():
    wheel = newest_wheel()
    example = readme_example()
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        constraints = Path("constraints.txt").resolve()
        run(python, *install, "--constraint", constraints, wheel, cwd=folder)
        run(python, "-c", without_extras(), cwd=folder)
        run(python, "-W", "error", "-c", example, cwd=folder)
    print(f"{wheel.name}: the README's example runs in an empty environment")


def newest_wheel():
    wheels = sorted(Path("dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        raise SystemExit("dist holds no wheel: run 'make wheel'")
    return wheels[-1].resolve()


def readme_example():
    """Return the first Python block of the README."""
    return re.search(r"```python\n(.*?)```", Path("README.md").read_text(), re.S)[1]


def without_extras():
    """Code that fails if an extra came along, and imports every public name."""
    return (
        "from importlib.util import find_spec\n"
        f"present = [name for name in {EXTRAS} if find_spec(name)]\n"
        "assert not present, f'the wheel brought {present}'\n"
        "from sklearn_theory.utils.discovery import all_public\n"
        "assert all_public()\n"
    )


def run(python, *arguments, cwd):
    subprocess.run([python, *map(str, arguments)], cwd=cwd, check=True)


if __name__ == "__main__":
    main()
