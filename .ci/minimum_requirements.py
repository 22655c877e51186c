# SPDX-License-Identifier: BSD-3-Clause
"""Print the oldest supported version of each core dependency, as pip constraints."""

import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
for requirement in project["dependencies"]:
    print(requirement.replace(">=", "=="))
