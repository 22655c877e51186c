# SPDX-License-Identifier: BSD-3-Clause
"""What RCAL assumes and promises, measured on labelled rows."""

import numpy as np
from scipy.stats import norm
from sklearn.utils import check_random_state

from ._borrowing import mean_errors
from ._calibration_theory import (
    best_beta,
    blended_error,
    own_error,
    pollution_shares,
)
from ._class_moments import Moments
from ._gaussian_calibrator import make_calibrator
from ._noise_mixture import fit_noise_model
from ._outlier_rules import make_outlier_rule

PAPER = "arXiv 2211.10955"
_LEVEL = 0.05


def add_everything(report, rcal, Z, y):
    """Judge the labels of rows anew, calibrate anew, and add all rows of the report.

    Parameters
    ----------
    report : TheoryReport
        Receives the rows.

    rcal : RCAL
        The estimator, whose parameters say how.

    Z : ndarray of shape (n_samples, n_components)
        Rows in the representation.

    y : ndarray of shape (n_samples,)
        Their labels.
    """
    classes, codes = np.unique(y, return_inverse=True)
    rule = make_outlier_rule(rcal, len(classes), check_random_state(rcal.random_state))
    distrust = rule.judge(Z, codes, len(classes))
    kept = distrust.inlier_mask
    calibrator = make_calibrator(rcal, np.bincount(codes), classes)
    calibrator.fit(Z[kept], y[kept])
    add_normality(report, Z[kept], codes[kept], classes)
    add_common_covariance(report, calibrator)
    add_tail(report, np.bincount(codes), calibrator)
    add_noise(report, Z, codes, classes, distrust.noise_model)
    add_mean_errors(report, calibrator)
    add_eigenvalues(report, calibrator)


def add_normality(report, Z, codes, classes):
    """Test the kurtosis of each class, at a level shared by the classes."""
    bound = norm.isf(_LEVEL / 2 / len(classes))
    for k, label in enumerate(classes):
        report.add_assumption(
            f"class {label}: kurtosis",
            measured=abs(kurtosis_statistic(Z[codes == k])),
            relation="<=",
            bound=bound,
            estimate=True,
            reference=f"{PAPER}, Assumption 3.1 (1); Mardia's test",
            meaning=(
                "Standard deviations by which the kurtosis of the trusted rows differs "
                "from a Gaussian's; not judged with no more rows than features. Flagging "
                "rows trims the class, and makes it look lighter in its tails."
            ),
        )


def kurtosis_statistic(Z):
    """Standardise Mardia's kurtosis by its moments under normality.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Rows of one class.

    Returns
    -------
    statistic : float
        About standard normal for Gaussian rows; NaN if there are too few rows, or if a
        feature is a linear combination of the others.
    """
    n, p = Z.shape
    if n < p + 2:
        return np.nan
    centred = Z - Z.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    if values[-1] <= 1e-10 * values[0]:
        return np.nan
    kurtosis = n * np.sum(np.sum(left**2, axis=1) ** 2)
    mean = p * (p + 2) * (n - 1) / (n + 1)
    variance = 8 * p * (p + 2) * (n - 3) * (n - p - 1) * (n - p + 1)
    variance /= (n + 1) ** 2 * (n + 3) * (n + 5)
    return float((kurtosis - mean) / np.sqrt(variance)) if variance > 0 else np.nan


def add_common_covariance(report, calibrator):
    """Report how far a class's covariance is from the common one."""
    pooled = calibrator.pooled_covariance_
    distances = np.linalg.norm(calibrator.raw_covariances_ - pooled, axis=(1, 2))
    scale = np.linalg.norm(pooled)
    report.add_assumption(
        "covariances, largest relative distance from the common one",
        measured=float(distances.max() / scale) if scale > 0 else 0.0,
        estimate=True,
        reference=f"{PAPER}, Assumption 3.1 (1)",
        meaning=(
            "The theory has one covariance. Sampling alone makes this about the root of "
            "features over rows in the smallest class."
        ),
    )


def add_tail(report, counts, calibrator):
    """Report whether head classes are larger, and how far lenders are."""
    is_head = np.isin(calibrator.classes_, calibrator.head_classes_)
    if is_head.all():
        return
    report.add_assumption(
        "smallest head class over largest tail class",
        measured=counts[is_head].min() / counts[~is_head].max(),
        relation=">",
        bound=1,
        reference=f"{PAPER}, Assumption 3.1 (2)",
        meaning="Heads must be more frequent to have anything to lend.",
    )
    report.add_assumption(
        "distance of the farthest lender",
        measured=max(_lender_distances(calibrator)),
        estimate=True,
        reference=f"{PAPER}, Assumption 3.1 (4)",
        meaning=(
            "The delta of the paper: what borrowing everything could move a mean by. "
            "The errors of the calibrated means below say whether it is near enough."
        ),
    )


def _lender_distances(calibrator):
    places = {label: k for k, label in enumerate(calibrator.classes_.tolist())}
    for label, lenders in calibrator.neighbors_.items():
        gaps = calibrator.raw_means_[[places[lender] for lender in lenders]]
        gaps = gaps - calibrator.raw_means_[places[label]]
        yield float(np.linalg.norm(gaps, axis=1).max())


def add_noise(report, Z, codes, classes, model):
    """Report the estimated share of wrong labels in each observed class."""
    if model is None:
        model = fit_noise_model(Z, codes, len(classes))
    report.add_assumption(
        "noise rate",
        measured=model.rate,
        relation="<",
        bound=0.5,
        estimate=True,
        reference=f"{PAPER}, Assumption 3.1 (3); noise mixture",
        meaning=(
            "Share of wrong labels under which the observed ones are most probable; 0 "
            "if the evidence for noise is weak. Few rows, or classes that overlap, hide "
            "noise."
        ),
    )
    noise = np.bincount(codes, weights=1 - model.label_posterior) / np.bincount(codes)
    predicted = 1 - np.diag(pollution_shares(model.posterior.sum(axis=0), model.rate))
    for label, share, expected in zip(classes, noise, predicted):
        report.add_assumption(
            f"class {label}: wrong labels",
            measured=share,
            relation="<=",
            bound=0.5,
            estimate=True,
            reference=f"{PAPER}, Section 3.2; noise mixture",
            meaning=(
                "The right labels must be the majority of what bears this label. Noise "
                "in proportion to the sizes of the classes would make this "
                f"{expected:.2g}, however rare the class is."
            ),
        )


def add_mean_errors(report, calibrator):
    """Report the predicted error of each tail class's mean against the raw one's."""
    moments = moments_of(calibrator)
    places = {label: k for k, label in enumerate(calibrator.classes_.tolist())}
    for label, lenders in calibrator.neighbors_.items():
        k, lenders = places[label], np.array([places[lender] for lender in lenders])
        own, borrowed = mean_errors(moments, k, lenders, calibrator.weights_[label])
        report.add_promise(
            f"class {label}: squared error of the mean",
            measured=blended_error(calibrator.beta_[k], own, borrowed),
            relation="<=",
            bound=own,
            estimate=True,
            reference=f"{PAPER}, Section 3.3; (1-beta)^2 V + beta^2 B against V",
            meaning=(
                f"Predicted with beta={calibrator.beta_[k]:.2g} for rows whose labels "
                f"are right; it would be least with {best_beta(own, borrowed):.2g}."
            ),
        )
    for k in np.flatnonzero(np.isin(calibrator.classes_, calibrator.head_classes_)):
        report.add_promise(
            f"class {calibrator.classes_[k]}: squared error of the mean",
            measured=own_error(float(np.trace(moments.pooled)), moments.counts[k]),
            estimate=True,
            reference=f"{PAPER}, Section 3.3; V = tr(Sigma) / n",
            meaning="Head classes keep their means.",
        )


def moments_of(calibrator):
    """Collect what a fitted calibrator estimated before borrowing."""
    return Moments(
        calibrator.counts_,
        calibrator.raw_means_,
        calibrator.raw_covariances_,
        calibrator.pooled_covariance_,
    )


def add_eigenvalues(report, calibrator):
    """Report the smallest eigenvalue of the covariances that are drawn from."""
    values = np.linalg.eigvalsh(calibrator.covariances_)
    scale = np.abs(values).max()
    report.add_promise(
        "smallest eigenvalue of a calibrated covariance",
        measured=values.min(),
        relation=">=",
        bound=-1e-10 * scale,
        reference=f"{PAPER}, Section 3.3",
        meaning="Rows can be drawn from a covariance if no eigenvalue is negative.",
    )
