# SPDX-License-Identifier: BSD-3-Clause
"""Nearest neighbours among digits."""

from benchmark_utils import digits
from benchopt import BaseDataset


class Dataset(BaseDataset):
    name = "digits"

    def get_data(self):
        weights, codes = digits()
        return {"weights": weights, "codes": codes}
