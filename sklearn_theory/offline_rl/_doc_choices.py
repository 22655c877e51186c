# SPDX-License-Identifier: BSD-3-Clause
"""Latents as a policy chooses among them: numbers, or draws from a Gaussian prior.

A choice proposes, for each row, candidates and their probabilities. Candidates are None
where all latents are, and networks give a column for each. The laws are what the
prior's network returns.
"""

import numpy as np

from ._policy_heads import draw_codes


class CategoricalChoices:
    """All latents, each with its probability.

    Parameters
    ----------
    settings : DichotomyOfControl
        Holds `n_latents`.

    random : RandomState
        Not used.
    """

    name = "categorical"

    def __init__(self, settings, random):
        self.n_choices = settings.n_latents

    def propose(self, law):
        """Return None for all latents, and their probabilities."""
        return None, law

    def given(self, z, n_rows):
        """Return the candidates for latents of the user's, and one-hot weights."""
        z = np.broadcast_to(np.asarray(z), (n_rows,))
        if z.dtype.kind not in "iu" or (z < 0).any() or (z >= self.n_choices).any():
            raise ValueError(
                f"z must hold latents from 0 to {self.n_choices - 1}, got {z!r}."
            )
        return None, np.eye(self.n_choices)[z]

    def take(self, candidates, chosen):
        """Return the latents with these numbers."""
        return chosen

    def draw(self, law, random):
        """Draw a latent for each row."""
        return draw_codes(law, random)

    def lay_out(self, law):
        """Return what stands for latents in tables: their probabilities."""
        return law


class GaussianChoices:
    """Draws from the prior of each row, by the same standard normal numbers for all.

    Parameters
    ----------
    settings : DichotomyOfControl
        Holds `n_samples` and `latent_dim`.

    random : RandomState
        Draws the numbers.
    """

    name = "gaussian"

    def __init__(self, settings, random):
        self.n_choices = settings.n_samples
        self.n_features = settings.latent_dim
        self.noise = random.standard_normal((settings.n_samples, settings.latent_dim))

    def propose(self, law):
        """Return draws, which all have the same probability."""
        mean, deviation = _moments(law)
        draws = mean[:, np.newaxis] + deviation[:, np.newaxis] * self.noise
        return draws, np.full((len(law), self.n_choices), 1 / self.n_choices)

    def given(self, z, n_rows):
        """Return latents of the user's as the only candidates."""
        z = np.asarray(z, dtype=np.float64)
        if z.shape not in ((self.n_features,), (n_rows, self.n_features)):
            raise ValueError(
                f"z must have shape ({self.n_features},) or ({n_rows}, "
                f"{self.n_features}), got {z.shape}."
            )
        if not np.isfinite(z).all():
            raise ValueError("z holds NaN or infinity.")
        z = np.broadcast_to(z, (n_rows, self.n_features))
        return z[:, np.newaxis], np.ones((n_rows, 1))

    def take(self, candidates, chosen):
        """Return the draws with these numbers."""
        return candidates[np.arange(len(chosen)), chosen]

    def draw(self, law, random):
        """Draw a latent for each row."""
        mean, deviation = _moments(law)
        return mean + deviation * random.standard_normal(mean.shape)

    def lay_out(self, law):
        """Return what stands for latents in tables: their means."""
        return _moments(law)[0]


def _moments(law):
    mean, log_variance = np.split(law, 2, axis=1)
    return mean, np.exp(0.5 * log_variance)


CHOICES = {choice.name: choice for choice in (CategoricalChoices, GaussianChoices)}
