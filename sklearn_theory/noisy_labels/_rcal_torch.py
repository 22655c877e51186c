# SPDX-License-Identifier: BSD-3-Clause
"""Individual calibration: a representation that may move, but not far.

The network adapts the representation, ``g(z) = z + h(z)`` with `h` zero at first, and
ends in a linear head. Its loss is the cross-entropy of rows drawn from the calibrated
classes, that of real rows mixed in pairs, and the anchor, the mean squared distance
that `g` moves real rows. This file imports torch: open it from inside ``fit``.
"""

import numpy as np
import torch
from scipy.special import betaincinv, expit, softmax
from torch import nn
from torch.nn.functional import cross_entropy

from ..utils._torch_modules import MLP
from ..utils._torch_net import Net, forward_in_batches, make_net
from ..utils._torch_training import train
from ._class_moments import square_root


class AnchoredModule(nn.Module):
    """An adapter that starts as the identity, and a linear head.

    Parameters
    ----------
    n_features : int
        Width of the representation.

    hidden_layer_sizes : tuple of int
        Widths of the adapter's hidden layers.

    n_classes : int
        Number of classes.

    anchor : float
        Strength of the anchor. Gradients that reach the adapter are divided by one plus
        this, which leaves its minima where they are and its steps stable however strong
        the anchor is.
    """

    draws_nothing = True

    def __init__(self, n_features, hidden_layer_sizes, n_classes, anchor):
        super().__init__()
        self.adapter = MLP(n_features, tuple(hidden_layer_sizes), n_features)
        nn.init.zeros_(self.adapter[-1].weight)
        nn.init.zeros_(self.adapter[-1].bias)
        self.head = nn.Linear(n_features, n_classes)
        self.gradient_scale = 1 / (1 + anchor)

    def move(self, rows):
        """Compute how far the adapter moves rows."""
        moved = self.adapter(rows)
        at_rest = moved.detach()
        return at_rest + self.gradient_scale * (moved - at_rest)

    def adapt(self, rows):
        """Apply the adapter."""
        return rows + self.move(rows)

    def forward(self, rows):
        """Compute the logits of rows.

        Parameters
        ----------
        rows : Tensor of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        logits : Tensor of shape (n_samples, n_classes)
            Scores of the classes.
        """
        return self.head(self.adapt(rows))


class AnchoredNet(Net):
    """Trains with drawn rows, mixed rows and the anchor.

    Parameters
    ----------
    module : callable
        Builds an :class:`AnchoredModule`.

    anchor : float
        Strength of the anchor.

    mixup : float
        Parameter of the Beta distribution of the mixing weight; 0 mixes none.

    means : ndarray of shape (n_classes, n_features)
        Means of the classes to draw from.

    roots : ndarray of shape (n_classes, n_features, n_features)
        Square roots of their covariances.

    draw_shares : ndarray of shape (n_classes,)
        Number of rows to draw of each class, for each real row of an epoch.

    **options : dict
        Further parameters of :class:`Net`.
    """

    def __init__(self, module, *, anchor, mixup, means, roots, draw_shares, **options):
        self.anchor = anchor
        self.mixup = mixup
        self.means = means
        self.roots = roots
        self.draw_shares = draw_shares
        super().__init__(module, **options)

    def train_step_single(self, batch, **fit_params):
        """Compute the loss of a batch and its gradient."""
        rows, labels = batch
        self.module_.train()
        loss = self.mixed_loss(rows, labels) + self.drawn_loss(rows)
        loss.backward()
        return {"loss": loss, "y_pred": None}

    def mixed_loss(self, rows, labels):
        """Compute cross-entropy and anchor of real rows, mixed in pairs."""
        others, share = labels, 1.0
        if self.mixup > 0:
            order = torch.randperm(
                len(rows), generator=self.generator_, device=rows.device
            )
            share = self.mixing_share()
            rows, others = share * rows + (1 - share) * rows[order], labels[order]
        moves = self.module_.move(rows)
        logits = self.module_.head(rows + moves)
        loss = share * cross_entropy(logits, labels)
        if share < 1:
            loss = loss + (1 - share) * cross_entropy(logits, others)
        return loss + self.anchor * moves.square().sum(dim=1).mean()

    def mixing_share(self):
        """Draw the weight of the first row of each pair, the same for a batch."""
        uniform = torch.rand((), generator=self.generator_, device=self.device)
        return float(betaincinv(self.mixup, self.mixup, float(uniform)))

    def drawn_loss(self, rows):
        """Compute the cross-entropy of rows drawn for this batch."""
        expected = torch.as_tensor(
            self.draw_shares * len(rows), dtype=rows.dtype, device=rows.device
        )
        # Rounded at random, so that an epoch draws the right number on average.
        extra = torch.rand(len(expected), generator=self.generator_, device=rows.device)
        counts = (expected + extra).floor().long()
        if counts.sum() == 0:
            return rows.new_zeros(())
        labels = torch.repeat_interleave(counts)
        return cross_entropy(self.module_(self.draw(labels, rows)), labels)

    def draw(self, labels, like):
        """Draw a row for each label."""
        means, roots = (
            torch.as_tensor(part, dtype=like.dtype, device=like.device)
            for part in (self.means, self.roots)
        )
        noise = torch.randn(
            (len(labels), means.shape[1]),
            generator=self.generator_,
            dtype=like.dtype,
            device=like.device,
        )
        drawn = torch.empty_like(noise)
        for k in labels.unique():
            mine = labels == k
            drawn[mine] = means[k] + noise[mine] @ roots[k].T
        return drawn


class AnchoredClassifier:
    """The trained network, as a classifier of rows in the given representation.

    Parameters
    ----------
    rcal : RCAL
        The estimator.

    calibrator : GaussianCalibrator
        The classes to draw from.

    n_draws : ndarray of shape (n_classes,)
        Number of rows to draw of each class in an epoch.

    random : RandomState
        Seeds the network.
    """

    def __init__(self, rcal, calibrator, n_draws, random):
        self.classes_ = calibrator.classes_
        self._n_draws = n_draws
        self._centre = calibrator.means_.mean(axis=0)
        variance = np.trace(calibrator.pooled_covariance_) / len(self._centre)
        self._scale = float(np.sqrt(variance)) or 1.0
        roots = [square_root(part) for part in calibrator.covariances_]
        self._means = (calibrator.means_ - self._centre) / self._scale
        self._roots = np.stack(roots) / self._scale
        self._seed = random.randint(np.iinfo(np.int32).max)

    def fit(self, rcal, context, Z, y):
        """Train the network on real rows."""
        self._net = make_net(
            AnchoredNet,
            AnchoredModule,
            module_params={
                "n_features": Z.shape[1],
                "hidden_layer_sizes": tuple(rcal.hidden_layer_sizes),
                "n_classes": len(self.classes_),
                "anchor": rcal.anchor,
            },
            anchor=rcal.anchor,
            mixup=rcal.mixup,
            means=self._means,
            roots=self._roots,
            draw_shares=self._n_draws / len(Z),
            learning_rate_init=rcal.learning_rate_init,
            weight_decay=rcal.weight_decay,
            batch_size=rcal.batch_size,
            optimizer="sgd",
            device=rcal.device,
            random_state=self._seed,
            criterion=nn.CrossEntropyLoss,
        )
        training = train(
            self._net,
            self._standardise(Z),
            np.searchsorted(self.classes_, y),
            estimator=rcal,
            context=context,
            max_iter=rcal.max_iter,
            learning_rate="cosine",
        )
        self.loss_curve_, self.n_iter_ = training.loss_curve, training.n_iter
        return self

    def adapt(self, Z):
        """Move rows as the adapter does, in the units of the representation."""
        moved = forward_in_batches(
            self._net, self._standardise(Z), forward=AnchoredModule.adapt
        )
        return (moved * self._scale + self._centre).astype(Z.dtype)

    def decision_function(self, Z):
        """Compute logits; for two classes their difference."""
        logits = self._logits(Z)
        if logits.shape[1] == 2:
            return logits[:, 1] - logits[:, 0]
        return logits

    def predict_proba(self, Z):
        """Compute probabilities of the classes."""
        logits = self._logits(Z)
        if logits.shape[1] == 2:
            second = expit(logits[:, 1] - logits[:, 0])
            return np.column_stack([1 - second, second])
        return softmax(logits, axis=1)

    def predict(self, Z):
        """Predict the most probable classes."""
        return self.classes_[self._logits(Z).argmax(axis=1)]

    def _logits(self, Z):
        return forward_in_batches(self._net, self._standardise(Z))

    def _standardise(self, Z):
        """Centre rows and divide all features by one number."""
        return ((Z - self._centre) / self._scale).astype(Z.dtype)
