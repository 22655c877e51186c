# SPDX-License-Identifier: BSD-3-Clause
"""Nearest neighbours on two moons."""

from benchmark_utils import two_moons
from benchopt import BaseDataset


class Dataset(BaseDataset):
    name = "two moons"
    parameters = {"n_samples": [2_000, 20_000]}
    test_parameters = {"n_samples": [500]}

    def get_data(self):
        weights, codes = two_moons(self.n_samples)
        return {"weights": weights, "codes": codes}
