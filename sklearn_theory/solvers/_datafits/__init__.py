# SPDX-License-Identifier: BSD-3-Clause
"""The datafits of block coordinate descent, one a file; the registry finds them by name."""
