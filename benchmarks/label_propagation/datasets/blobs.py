# SPDX-License-Identifier: BSD-3-Clause
"""Nearest neighbours in ten dimensions."""

from benchmark_utils import blobs_in_ten_dimensions
from benchopt import BaseDataset


class Dataset(BaseDataset):
    name = "blobs in ten dimensions"
    parameters = {"n_samples": [5_000, 10_000]}
    test_parameters = {"n_samples": [500]}

    def get_data(self):
        weights, codes = blobs_in_ten_dimensions(self.n_samples)
        return {"weights": weights, "codes": codes}
