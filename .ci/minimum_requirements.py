# SPDX-License-Identifier: BSD-3-Clause
"""Print the oldest supported versions as pip constraints.

They are those of the core dependencies, and of pytest: scikit-learn's oldest supported
version parametrizes tests in a way that newer versions of pytest warn about.
"""

import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
tools = project["optional-dependencies"]["test"]
pytest = [tool for tool in tools if tool.startswith("pytest>=")]
for requirement in project["dependencies"] + pytest:
    print(requirement.replace(">=", "=="))
