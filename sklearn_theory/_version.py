# SPDX-License-Identifier: BSD-3-Clause
"""The version, in a file that imports nothing."""

__version__ = "0.1.0"
