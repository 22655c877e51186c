from ._elastic_net import ElasticNet
from ._elastic_net_cv import ElasticNetCV
from ._lasso import Lasso
from ._lasso_cv import LassoCV
from ._naive_bayes_vs_logistic import NaiveBayesVsLogistic
from ._non_negative import NonNegativeLeastSquares
from ._penalised_logistic import LogisticRegression
from ._shared_variance_nb import SharedVarianceNB

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "Lasso",
    "LassoCV",
    "LogisticRegression",
    "NaiveBayesVsLogistic",
    "NonNegativeLeastSquares",
    "SharedVarianceNB",
]
