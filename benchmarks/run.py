# SPDX-License-Identifier: BSD-3-Clause
"""Run every benchmark and store its table in benchmarks/results.

A benchmark is a file ``benchmarks/*/bench_*.py`` with a function ``main(quick)`` that
prints its table and returns its rows: dicts with the same keys, among them ``target``
(in words) and ``met`` (a bool, or None where the row is there for comparison).
"""

import argparse
import importlib.util
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def main():
    arguments = parse_arguments()
    if arguments.data:
        os.environ["SKLEARN_THEORY_DATA"] = str(Path(arguments.data).resolve())
    # One thread for every library: ratios between methods, not between thread pools.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    for path in sorted(HERE.glob("*/bench_*.py")):
        name = f"{path.parent.name}/{path.stem.removeprefix('bench_')}"
        if arguments.only not in name or (arguments.skip and arguments.skip in name):
            continue
        print(f"\n=== {name} ===", flush=True)
        rows = load(path).main(quick=arguments.quick)
        if rows:
            store(name, rows, quick=arguments.quick)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, few repeats")
    parser.add_argument("--only", default="", help="run only names that contain this")
    parser.add_argument("--skip", default="", help="leave out names that contain this")
    parser.add_argument("--data", help="folder of real data (default: ../shared/data)")
    return parser.parse_args()


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def store(name, rows, *, quick):
    """Write a Markdown table with the machine and the versions that it was made on."""
    RESULTS.mkdir(exist_ok=True)
    kind = "quick" if quick else "full"
    path = RESULTS / f"{name.replace('/', '-')}.{kind}.md"
    path.write_text(
        "\n".join([f"# {name} ({kind})", "", *machine(), "", *markdown_table(rows), ""])
    )
    unmet = [row for row in rows if row.get("met") is False]
    print(f"{len(rows)} rows in {path.name}; {len(unmet)} miss their target")


PACKAGES = (
    "scikit-learn",
    "numpy",
    "scipy",
    "numba",
    "torch",
    "dask",
    "celer",
    "skglm",
)


def machine():
    versions = ", ".join(filter(None, map(version_of, PACKAGES)))
    return [
        f"- machine: {platform.machine()}, {processor()}, {os.cpu_count()} cores, "
        f"one thread used",
        f"- Python {platform.python_version()}, {versions}",
    ]


def version_of(package):
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:  # a peer that this benchmark may not need
        return None


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return models[0] if models else platform.processor()


def markdown_table(rows):
    columns = list(rows[0])
    yield "| " + " | ".join(columns) + " |"
    yield "|" + " --- |" * len(columns)
    for row in rows:
        yield "| " + " | ".join(cell(row[column]) for column in columns) + " |"


def cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|")


if __name__ == "__main__":
    main()
