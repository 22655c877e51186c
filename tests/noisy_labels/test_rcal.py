# SPDX-License-Identifier: BSD-3-Clause
"""RCAL: identities, odd data, bad input and the report; without torch."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from sklearn_theory.datasets import make_long_tail_noisy, make_super_classes
from sklearn_theory.noisy_labels import RCAL, ClassConditionalLOF, GaussianCalibrator
from sklearn_theory.noisy_labels._individual import count_draws
from sklearn_theory.noisy_labels._rcal_report import kurtosis_statistic

PLAIN = {
    "outlier": "none",
    "beta": 0,
    "alpha": 0,
    "n_sampled": 0,
    "drop_outliers": False,
}


def noisy_tail(imbalance=10, noise=0.2, seed=0, n=150):
    X, y = make_super_classes(n, n_classes=6, n_features=8, random_state=seed)
    X, y_true, y_noisy, _ = make_long_tail_noisy(
        X, y, imbalance=imbalance, noise=noise, random_state=seed
    )
    return X, y_true, y_noisy


class TestExactness:
    @pytest.mark.parametrize(
        "representation", [None, PCA(3), FunctionTransformer(np.tanh)]
    )
    @pytest.mark.parametrize("classifier", [None, GaussianNB(), LinearSVC(C=0.1)])
    def test_with_everything_off_it_is_the_classifier(self, representation, classifier):
        X, _, y = noisy_tail()
        model = RCAL(representation, classifier=classifier, random_state=0, **PLAIN)
        model.fit(X, y)
        plain = clone(classifier or LogisticRegression(max_iter=1000))
        if "random_state" in plain.get_params():
            plain.set_params(random_state=model.classifier_.random_state)
        Z = X if representation is None else model.representation_.transform(X)
        plain.fit(Z, y)
        for method in ("predict", "predict_proba", "decision_function"):
            assert hasattr(plain, method) == hasattr(model, method)
            if hasattr(plain, method):
                np.testing.assert_array_equal(
                    getattr(model, method)(X), getattr(plain, method)(Z)
                )

    def test_steps_are_the_public_pieces(self):
        X, _, y = noisy_tail()
        model = RCAL(contamination=0.2, random_state=0).fit(X, y)
        lof = ClassConditionalLOF(contamination=0.2).fit(X, y)
        kept = lof.inlier_mask_
        np.testing.assert_array_equal(model.inlier_mask_, kept)
        heads = GaussianCalibrator().fit(X, y).head_classes_  # As observed.
        calibrator = GaussianCalibrator(heads).fit(X[kept], y[kept])
        np.testing.assert_array_equal(model.means_, calibrator.means_)
        np.testing.assert_array_equal(model.covariances_, calibrator.covariances_)
        np.testing.assert_array_equal(
            model.sample(3, 4, random_state=1), calibrator.sample(3, 4, random_state=1)
        )

    @pytest.mark.parametrize("contamination", [0.2, [0.1, 0.2, 0.3, 0.4, 0.5, 0.0]])
    def test_lof_equals_scikit_learn_class_by_class(self, contamination):
        X, _, y = noisy_tail(imbalance=3)
        model = RCAL(contamination=contamination, n_neighbors=12).fit(X, y)
        for k in range(6):
            share = contamination if np.ndim(contamination) == 0 else contamination[k]
            rows = y == k
            lof = LocalOutlierFactor(n_neighbors=12, contamination=share or "auto")
            expected = lof.fit_predict(X[rows]) == 1
            if share == 0:
                expected = np.ones(rows.sum(), dtype=bool)
            np.testing.assert_array_equal(model.inlier_mask_[rows], expected)

    @pytest.mark.parametrize("outlier", ["lof", "trim"])
    def test_without_a_share_classes_lose_as_many_as_the_mixture_flags(self, outlier):
        X, _, y = noisy_tail(imbalance=3)
        mixture = RCAL(random_state=0).fit(X, y)
        model = RCAL(outlier=outlier, random_state=0).fit(X, y)
        assert model.noise_rate_ == mixture.noise_rate_
        for k in range(6):
            flagged = np.sum(~model.inlier_mask_[y == k])
            assert flagged == pytest.approx(
                np.sum(~mixture.inlier_mask_[y == k]), abs=1
            )

    @pytest.mark.parametrize("drop_outliers", [True, False])
    def test_classes_are_equal_after_drawing(self, drop_outliers):
        X, _, y = noisy_tail()
        model = RCAL(drop_outliers=drop_outliers, random_state=0).fit(X, y)
        used = y[model.inlier_mask_] if drop_outliers else y
        trained = np.bincount(used) + model.n_sampled_per_class_
        np.testing.assert_array_equal(trained, np.bincount(used).max())

    def test_numbers_of_draws(self):
        used = np.array([10, 4, 7])
        np.testing.assert_array_equal(count_draws("balance", used), [0, 6, 3])
        np.testing.assert_array_equal(count_draws(5, used), [5, 5, 5])
        np.testing.assert_array_equal(count_draws(0, used), [0, 0, 0])
        np.testing.assert_array_equal(count_draws(0.6, used), [0, 2, 0])
        np.testing.assert_array_equal(count_draws(2.0, used), [10, 16, 13])

    def test_flagged_rows_in_order(self):
        X, _, y = noisy_tail()
        model = RCAL(random_state=0).fit(X, y)
        rows = model.suspected_label_errors()
        assert set(rows) == set(np.flatnonzero(~model.inlier_mask_))
        assert np.all(np.diff(model.outlier_scores_[rows]) <= 0)
        np.testing.assert_allclose(model.outlier_scores_, 1 - model.label_posterior_)

    def test_no_rule_flags_nothing(self):
        X, _, y = noisy_tail()
        model = RCAL(outlier="none", random_state=0).fit(X, y)
        assert len(model.suspected_label_errors()) == 0
        assert not hasattr(model, "noise_rate_")

    @pytest.mark.parametrize("n_classes", [2, 6])
    def test_the_prior_of_the_trusted_rows(self, n_classes):
        X, _, y = noisy_tail(noise=0.1)
        rows = y < n_classes
        X, y = X[rows], y[rows]
        sampled = RCAL(random_state=0).fit(X, y)
        observed = RCAL(prior="observed", random_state=0).fit(X, y)
        shares = np.bincount(y[observed.inlier_mask_]) / observed.inlier_mask_.sum()
        expected = sampled.predict_proba(X) * shares
        expected /= expected.sum(axis=1, keepdims=True)
        probabilities = observed.predict_proba(X)
        np.testing.assert_allclose(probabilities, expected)
        np.testing.assert_array_equal(observed.predict(X), expected.argmax(axis=1))
        scores = observed.decision_function(X)
        if n_classes == 2:
            np.testing.assert_allclose(scores, np.log(expected[:, 1] / expected[:, 0]))
        else:
            np.testing.assert_allclose(scores, np.log(expected))

    def test_calibrated_probabilities_have_the_prior(self):
        """On rows of the tail's own shares, the observed prior is the better one."""
        X, y, _ = noisy_tail(imbalance=30, noise=0, n=400)
        rows = np.arange(len(y)) % 2 == 0
        losses = {}
        for prior in ("sampled", "observed"):
            model = RCAL(prior=prior, random_state=0).fit(X[rows], y[rows])
            own = model.predict_proba(X[~rows])[np.arange(np.sum(~rows)), y[~rows]]
            losses[prior] = -np.log(own).mean()
        assert losses["observed"] < losses["sampled"]

    def test_mardias_moments(self, rng):
        """The statistic is standard normal for normal rows, also for few of them."""
        for n, p in ((12, 4), (60, 8)):
            values = [kurtosis_statistic(rng.normal(size=(n, p))) for _ in range(3_000)]
            assert np.mean(values) == pytest.approx(0, abs=0.08)
            assert np.std(values) == pytest.approx(1, abs=0.08)
        heavy = rng.standard_t(3, size=(500, 4))
        assert kurtosis_statistic(heavy) > 10
        assert np.isnan(kurtosis_statistic(rng.normal(size=(5, 4))))
        assert np.isnan(kurtosis_statistic(np.ones((50, 4))))


class TestRepresentation:
    def test_it_is_fitted_without_labels(self):
        X, _, y = noisy_tail()
        model = RCAL(PCA(3), random_state=0).fit(X, y)
        expected = PCA(3, random_state=0).fit(X)
        np.testing.assert_allclose(
            np.abs(model.representation_.components_), np.abs(expected.components_)
        )
        assert model.means_.shape == (6, 3)
        assert not hasattr(model.representation, "components_")

    @pytest.mark.parametrize("wrap", [lambda e: e, FrozenEstimator])
    def test_a_fitted_one_is_used_as_it_is(self, wrap):
        X, _, y = noisy_tail()
        fitted = PCA(3).fit(X[:20])
        components = fitted.components_.copy()
        model = RCAL(wrap(fitted), random_state=0).fit(X, y)
        np.testing.assert_array_equal(fitted.components_, components)
        expected = RCAL(random_state=0).fit(fitted.transform(X), y)
        np.testing.assert_allclose(model.means_, expected.means_)

    def test_frames_with_words(self):
        rng = np.random.default_rng(0)
        frame = pd.DataFrame(
            {"number": rng.normal(size=200), "word": rng.choice(list("abc"), 200)}
        )
        y = (frame["word"] == "a") + 1 * (frame["number"] > 0)
        columns = make_column_transformer(
            (StandardScaler(), ["number"]),
            (OneHotEncoder(sparse_output=False), ["word"]),
        )
        model = RCAL(columns, random_state=0).fit(frame, y)
        assert model.score(frame, y) > 0.9
        assert list(model.feature_names_in_) == ["number", "word"]

    def test_sparse_rows_need_a_dense_representation(self):
        X, _, y = noisy_tail()
        rows = sparse.csr_array(np.where(np.abs(X) > 1, X, 0))
        dense = RCAL(TruncatedSVD(3), random_state=0).fit(rows, y)
        assert dense.predict(rows).shape == y.shape
        assert dense.__sklearn_tags__().input_tags.sparse
        assert not RCAL().__sklearn_tags__().input_tags.sparse
        with pytest.raises(ValueError, match="returns sparse rows"):
            RCAL(MaxAbsScaler()).fit(rows, y)
        with pytest.raises(TypeError, match=r"[Ss]parse"):
            RCAL().fit(rows, y)

    def test_in_a_pipeline_and_a_search(self):
        X, y = load_wine(return_X_y=True)
        pipeline = make_pipeline(StandardScaler(), PCA(5), RCAL(random_state=0))
        grid = {"rcal__beta": [0.0, 0.3], "rcal__q": [1, 2]}
        search = GridSearchCV(
            pipeline, grid, cv=3, scoring="balanced_accuracy", error_score="raise"
        )
        assert search.fit(X, y).best_score_ > 0.9

    def test_classifiers_without_probabilities(self):
        X, _, y = noisy_tail()
        model = RCAL(classifier=RidgeClassifier()).fit(X, y)
        assert not hasattr(model, "predict_proba")
        assert model.decision_function(X).shape == (len(X), 6)


class TestEdges:
    def test_strings(self):
        X, _, y = noisy_tail()
        names = np.array(["zero", "one", "two", "three", "four", "five"])
        model = RCAL(random_state=0).fit(X, names[y])
        assert set(model.predict(X)) <= set(names)
        assert set(model.head_classes_) | set(model.tail_classes_) == set(names)
        assert model.sample("two", 3).shape == (3, 8)
        report = model.theory_report(X, names[y])
        assert report["class two: wrong labels"].measured >= 0

    @pytest.mark.parametrize("outlier", ["auto", "lof", "trim", "none"])
    @pytest.mark.parametrize("beta", [0.3, "auto"])
    def test_classes_of_one_row(self, outlier, beta):
        X, y = load_iris(return_X_y=True)
        rows = np.r_[0:50, 50:51, 100:101]
        model = RCAL(outlier=outlier, beta=beta, random_state=0).fit(X[rows], y[rows])
        assert set(model.predict(X)) == {0, 1, 2}
        np.testing.assert_array_equal(model.n_sampled_per_class_, [0, 49, 49])
        assert np.isfinite(model.covariances_).all()
        assert len(model.theory_report(X[rows], y[rows]))

    def test_only_classes_of_one_row(self):
        X = np.eye(4)
        model = RCAL(random_state=0).fit(X, list("abcd"))
        assert model.predict(X).tolist() == list("abcd")

    def test_one_class(self):
        X = np.random.default_rng(0).normal(size=(20, 2))
        y = np.zeros(20)
        with pytest.raises(ValueError, match="class"):
            RCAL().fit(X, y)
        model = RCAL(classifier=GaussianNB()).fit(X, y)
        np.testing.assert_array_equal(model.predict(X), 0)
        assert model.noise_rate_ == 0

    @pytest.mark.parametrize("outlier", ["auto", "lof", "trim", "none"])
    def test_constant_features(self, outlier):
        X, _, y = noisy_tail()
        X = np.c_[X, np.ones(len(X)), np.zeros(len(X))]
        model = RCAL(outlier=outlier, random_state=0).fit(X, y)
        assert np.isfinite(model.predict_proba(X)).all()
        constant = RCAL(outlier=outlier, random_state=0).fit(np.ones((12, 2)), y[:12])
        assert np.isfinite(constant.predict_proba(np.ones((2, 2)))).all()

    def test_more_neighbours_than_rows(self):
        X, _, y = noisy_tail()
        model = RCAL(contamination=0.2, n_neighbors=10_000).fit(X, y)
        assert 0.7 < model.inlier_mask_.mean() < 0.9

    def test_small_classes_are_not_searched(self):
        X, y = load_iris(return_X_y=True)
        rows = np.r_[0:50, 50:90, 100:105]
        for outlier in ("lof", "trim"):
            model = RCAL(outlier=outlier, contamination=0.4).fit(X[rows], y[rows])
            assert model.inlier_mask_[y[rows] == 2].all()
            assert not model.inlier_mask_[y[rows] == 1].all()

    def test_single_precision(self):
        X, _, y = noisy_tail()
        single = RCAL(random_state=0).fit(X.astype(np.float32), y)
        double = RCAL(random_state=0).fit(X, y)
        np.testing.assert_array_equal(single.inlier_mask_, double.inlier_mask_)
        probabilities = single.predict_proba(X.astype(np.float32))
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, double.predict_proba(X), atol=1e-2)

    def test_refitting_forgets(self):
        X, _, y = noisy_tail()
        model = RCAL(random_state=0).fit(X, y)
        model.set_params(outlier="none").fit(X, y)
        assert not hasattr(model, "label_posterior_")


class TestBadInput:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"beta": 1.5}, "beta"),
            ({"contamination": 0.7}, "contamination"),
            ({"contamination": 0.0}, "contamination"),
            ({"contamination": [0.1, 0.2]}, "contamination must hold a share"),
            ({"q": 0}, "q"),
            ({"alpha": -0.1}, "alpha"),
            ({"n_head": [0, 9]}, "n_head must name classes"),
            ({"n_head": 7}, "n_head=7 is more than"),
            ({"n_neighbors": 0}, "n_neighbors"),
            ({"n_sampled": -1}, "n_sampled"),
            ({"outlier": "mixture", "contamination": 0.2}, "has no use for"),
            ({"outlier": "none", "contamination": 0.2}, "has no use for"),
            ({"representation": "pca"}, "representation"),
            ({"individual": "anchor", "classifier": GaussianNB()}, "linear head"),
        ],
    )
    def test_parameters(self, parameters, message):
        X, _, y = noisy_tail()
        with pytest.raises(ValueError, match=message):
            RCAL(**parameters).fit(X, y)

    @pytest.mark.parametrize("representation", [None, StandardScaler()])
    def test_data(self, representation):
        X, _, y = noisy_tail()
        bad = X.copy()
        bad[3, 1] = np.inf
        model = RCAL(representation)
        with pytest.raises(ValueError, match="infinity"):
            model.fit(bad, y)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            model.fit(X, y[:-1])
        with pytest.raises(ValueError, match="label type"):
            model.fit(X, np.linspace(0, 1, len(X)))
        model.fit(X, y)
        with pytest.raises(ValueError, match="features"):
            model.predict(X[:, :3])

    def test_a_representation_with_missing_values(self):
        X, _, y = noisy_tail()
        broken = FunctionTransformer(lambda rows: np.where(rows > 2, np.nan, rows))
        with pytest.raises(ValueError, match="representation of X"):
            RCAL(broken).fit(X, y)

    def test_prior_without_probabilities(self):
        X, _, y = noisy_tail()
        with pytest.raises(ValueError, match='prior="observed" needs'):
            RCAL(classifier=RidgeClassifier(), prior="observed").fit(X, y)


class TestReport:
    def test_it_judges_classes(self):
        X, _, y = noisy_tail(n=300)
        report = RCAL(random_state=0).fit(X, y).theory_report(X, y)
        assert report["noise rate"].measured == pytest.approx(0.2, abs=0.03)
        assert report["noise rate"].holds
        for k in range(6):
            assert report[f"class {k}: kurtosis"].measured >= 0
            assert report[f"class {k}: wrong labels"].holds
        assert report["smallest eigenvalue of a calibrated covariance"].holds

    def test_classes_that_are_not_normal_are_told(self, rng):
        X = np.vstack([rng.standard_t(2, (300, 3)), rng.normal(size=(300, 3)) + 30])
        y = np.repeat([0, 1], 300)
        report = RCAL().fit(X, y).theory_report(X, y)
        assert not report["class 0: kurtosis"].holds
        assert report["class 1: kurtosis"].holds

    def test_predicted_errors_are_the_errors(self):
        """Over draws of the rows, the means are as wrong as the report says."""
        draws = np.random.default_rng(0)
        centres = np.zeros((4, 5))
        centres[:3, 0] = [0.5, -0.5, 0.6]
        y = np.repeat(np.arange(4), [200, 150, 100, 6])
        predicted, measured = [], []
        for _ in range(60):
            X = centres[y] + draws.normal(size=(len(y), 5))
            model = RCAL(outlier="none", n_head=3, beta=0.5).fit(X, y)
            report = model.theory_report(X, y)
            predicted.append(report["class 3: squared error of the mean"].measured)
            measured.append(np.sum((model.means_[3] - centres[3]) ** 2))
        assert np.mean(predicted) == pytest.approx(np.mean(measured), rel=0.25)

    def test_heads_alone(self):
        X, y = load_iris(return_X_y=True)
        report = RCAL(n_head=3).fit(X, y).theory_report(X, y)
        with pytest.raises(KeyError):
            report["distance of the farthest lender"]


class TestReproducibility:
    script = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'skorch'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "from sklearn.datasets import load_wine\n"
        "from sklearn_theory.noisy_labels import RCAL\n"
        "X, y = load_wine(return_X_y=True)\n"
        "X = (X - X.mean(0)) / X.std(0)\n"
        "model = RCAL(random_state=3).fit(X[30:], y[30:])\n"
        "assert len(model.theory_report(X, y))\n"
        "print(model.predict_proba(X).sum(axis=0).tobytes().hex())\n"
    )

    def test_two_processes_without_torch_agree(self):
        runs = [
            subprocess.run(
                [sys.executable, "-c", self.script],
                capture_output=True,
                check=True,
                text=True,
            ).stdout
            for _ in range(2)
        ]
        assert runs[0] == runs[1] != ""

    def test_anchor_without_torch_names_the_extra(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch", None)
        X, _, y = noisy_tail()
        with pytest.raises(ImportError, match=r"RCAL.*\[torch\]"):
            RCAL(individual="anchor").fit(X, y)
