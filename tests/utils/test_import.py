# SPDX-License-Identifier: BSD-3-Clause
"""What importing the library brings in, and what it survives without."""

import subprocess
import sys

import pytest

import sklearn_theory
from sklearn_theory.utils import discovery, import_optional


def run_python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "heavy",
    ["torch", "numba", "dask", "matplotlib", "pandas", "gymnasium", "minari"],
)
def test_import_is_light(heavy):
    code = f"import sklearn_theory, sys; print({heavy!r} in sys.modules)"
    assert run_python(code) == "False"


def test_import_adds_few_modules_to_scikit_learn():
    code = (
        "import sklearn, sys; before = len(sys.modules); import sklearn_theory; "
        "print(len(sys.modules) - before)"
    )
    assert int(run_python(code)) <= 10


@pytest.mark.parametrize(
    "room",
    ["linear_model", "label_space", "noisy_labels", "offline_rl", "representation"],
)
def test_using_a_room_does_not_import_torch(room):
    code = (
        f"import sys, sklearn_theory; r = sklearn_theory.{room}; "
        "[getattr(r, name) for name in r.__all__]; print('torch' in sys.modules)"
    )
    assert run_python(code) == "False"


def test_discovery_survives_absent_extras():
    absent = ["torch", "skorch", "dask", "distributed", "matplotlib", "rich", "pandas"]
    absent += ["pynndescent", "gymnasium", "minari"]
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {absent}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "from sklearn_theory.utils.discovery import all_estimators\n"
        "print(*[name for name, _ in all_estimators()])"
    )
    found = [name for name, _ in discovery.all_estimators()]
    assert run_python(code).split() == found
    assert found


def test_import_optional_names_the_extra():
    message = (
        r"LokiClassifier\(device='cuda'\) needs no_such_module, .*"
        r'pip install "sklearn_theory\[torch\]"'
    )
    with pytest.raises(ImportError, match=message):
        import_optional(
            "no_such_module.nn",
            needed_by="LokiClassifier(device='cuda')",
            extra="torch",
        )
    assert import_optional("json", needed_by="this", extra="test").dumps(1) == "1"


def test_show_versions_reports_absent_packages(capsys, monkeypatch):
    monkeypatch.setattr(
        "sklearn_theory._show_versions.OPTIONAL_PACKAGES", ("no-such-package",)
    )
    sklearn_theory.show_versions()
    printed = capsys.readouterr().out
    assert f"sklearn_theory  {sklearn_theory.__version__}" in printed
    assert "no-such-package not installed" in printed
    assert "scikit-learn" in printed
