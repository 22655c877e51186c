# SPDX-License-Identifier: BSD-3-Clause
"""What the sections of the demo share: the console, the number of draws, the figures."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from rich.console import Console

FOLDER = Path("demo")
N_SPLITS = 10
console = Console(width=110)


def save(figure, name):
    """Write a figure to the folder of the demo."""
    path = FOLDER / name
    figure.savefig(path, dpi=130)
    plt.close(figure)
    console.print(f"Figure: [cyan]{path}[/]")
