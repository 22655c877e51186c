# SPDX-License-Identifier: BSD-3-Clause
"""The networks that estimators build by default: layers of units, and convolutions.

They draw no random numbers after they are built, and say so by ``draws_nothing``: the
adapter then need not lend them torch's global generators.
"""

from itertools import pairwise

from torch import nn


class MLP(nn.Sequential):
    """Linear layers with rectified units between them.

    Parameters
    ----------
    n_features : int
        Width of the input.

    hidden_layer_sizes : tuple of int
        Widths of the hidden layers; none if empty.

    n_outputs : int
        Width of the output, which is not rectified.

    layer_norm : bool, default=False
        Whether to normalise the input of every hidden layer's units. Unlike batch
        normalisation it works with any number of rows.
    """

    draws_nothing = True

    def __init__(self, n_features, hidden_layer_sizes, n_outputs, layer_norm=False):
        layers = []
        widths = [n_features, *hidden_layer_sizes]
        for width, next_width in pairwise(widths):
            layers.append(nn.Linear(width, next_width))
            layers += [nn.LayerNorm(next_width)] if layer_norm else []
            layers.append(nn.ReLU())
        super().__init__(*layers, nn.Linear(widths[-1], n_outputs))


class ConvEncoder(nn.Module):
    """Convolutions that halve the image, an average over what is left, a linear layer.

    Parameters
    ----------
    image_shape : tuple of int
        Height, width and, if any, the number of channels; a row of the input holds an
        image in this order.

    channels : tuple of int
        The number of channels after each convolution.

    n_outputs : int
        Width of the output.
    """

    draws_nothing = True

    def __init__(self, image_shape, channels, n_outputs):
        super().__init__()
        self.image_shape = (*image_shape, 1)[:3]
        layers = []
        for width, next_width in pairwise([self.image_shape[-1], *channels]):
            layers += [
                nn.Conv2d(width, next_width, kernel_size=3, stride=2, padding=1),
                nn.GroupNorm(1, next_width),
                nn.ReLU(),
            ]
        self.convolutions = nn.Sequential(*layers)
        last_width = channels[-1] if channels else self.image_shape[-1]
        self.linear = nn.Linear(last_width, n_outputs)

    def forward(self, rows):
        """Map rows to outputs.

        Parameters
        ----------
        rows : Tensor of shape (n_samples, height * width * channels)
            Images as rows.

        Returns
        -------
        outputs : Tensor of shape (n_samples, n_outputs)
            The outputs.
        """
        images = rows.reshape(len(rows), *self.image_shape).permute(0, 3, 1, 2)
        return self.linear(self.convolutions(images).mean(dim=(2, 3)))
