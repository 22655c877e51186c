# SPDX-License-Identifier: BSD-3-Clause
"""Random changes of a batch that keep what it shows.

An augmentation is a small object called with a batch and a generator; it returns a new
batch of the same shape, and treats each row on its own. Those of vectors take
``(n_rows, n_features)``; those of images take ``(n_rows, channels, height, width)`` with
values that may be of any scale. :class:`Compose` chains them, :class:`OnImages` applies
those of images to rows.
"""

from dataclasses import dataclass, field

import torch
from torch.nn import functional as F


def _uniform(shape, low, high, like, generator):
    """Draw uniformly from an interval, on the device of a tensor."""
    drawn = torch.rand(shape, generator=generator, device=like.device)
    return low + (high - low) * drawn


def _chosen(batch, probability, generator):
    """Choose rows by chance, in a shape that broadcasts against the batch."""
    drawn = torch.rand(len(batch), generator=generator, device=batch.device)
    return (drawn < probability).view(-1, *[1] * (batch.ndim - 1))


@dataclass(frozen=True)
class Compose:
    """Apply augmentations one after another."""

    steps: tuple

    def __call__(self, batch, generator):
        for step in self.steps:
            batch = step(batch, generator)
        return batch


@dataclass(frozen=True)
class Sometimes:
    """Apply an augmentation to each row with some probability."""

    augmentation: object
    probability: float

    def __call__(self, batch, generator):
        chosen = _chosen(batch, self.probability, generator)
        return torch.where(chosen, self.augmentation(batch, generator), batch)


@dataclass(frozen=True)
class GaussianNoise:
    """Add noise; `scale` is one standard deviation, or one for each column."""

    scale: object

    def __call__(self, batch, generator):
        noise = torch.randn(batch.shape, generator=generator, device=batch.device)
        return batch + noise * torch.as_tensor(
            self.scale, dtype=batch.dtype, device=batch.device
        )


@dataclass(frozen=True)
class MarginalCorruption:
    """Replace a share of the entries by those of other rows, column by column."""

    share: float

    def __call__(self, batch, generator):
        drawn = torch.rand(batch.shape, generator=generator, device=batch.device)
        donors = torch.randint(
            len(batch), batch.shape, generator=generator, device=batch.device
        )
        return torch.where(drawn < self.share, batch.gather(0, donors), batch)


@dataclass(frozen=True)
class RandomAffine:
    """Rotate by up to some radians, zoom by up to a share, move by a share of half the
    image; what comes in from outside is zero.
    """

    rotation: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0

    def __call__(self, batch, generator):
        n = len(batch)
        angle = _uniform(n, -self.rotation, self.rotation, batch, generator)
        zoom = _uniform(n, 1 - self.zoom, 1 + self.zoom, batch, generator)
        shift = _uniform((n, 2), -self.shift, self.shift, batch, generator)
        cos, sin = zoom * torch.cos(angle), zoom * torch.sin(angle)
        linear = torch.stack([cos, -sin, sin, cos], dim=1).view(n, 2, 2)
        return _resample(batch, linear, shift)


@dataclass(frozen=True)
class Shift:
    """Move by whole pixels; what comes in from outside is zero."""

    pixels: int

    def __call__(self, batch, generator):
        reach = self.pixels
        padded = F.pad(batch, [reach] * 4)
        down, right = torch.randint(
            2 * reach + 1, (2, len(batch)), generator=generator, device=batch.device
        )
        height, width = batch.shape[2:]
        rows = down[:, None] + torch.arange(height, device=batch.device)
        columns = right[:, None] + torch.arange(width, device=batch.device)
        images = torch.arange(len(batch), device=batch.device)[:, None, None, None]
        channels = torch.arange(batch.shape[1], device=batch.device)[:, None, None]
        return padded[
            images, channels, rows[:, None, :, None], columns[:, None, None, :]
        ]


@dataclass(frozen=True)
class HorizontalFlip:
    """Mirror left and right, with some probability."""

    probability: float = 0.5

    def __call__(self, batch, generator):
        return torch.where(
            _chosen(batch, self.probability, generator), batch.flip(3), batch
        )


@dataclass(frozen=True)
class ResizedCrop:
    """Cut out a rectangle of some share of the area, and stretch it over the image."""

    area: tuple = (0.2, 1.0)
    ratio: tuple = (3 / 4, 4 / 3)

    def __call__(self, batch, generator):
        n = len(batch)
        side = _uniform(n, *self.area, batch, generator).sqrt()
        low, high = torch.tensor(self.ratio).log().tolist()
        stretch = _uniform(n, low / 2, high / 2, batch, generator).exp()
        size = torch.stack([side * stretch, side / stretch], dim=1).clamp(max=1.0)
        centre = _uniform((n, 2), -1, 1, batch, generator) * (1 - size)
        return _resample(batch, torch.diag_embed(size), centre)


def _resample(batch, linear, shift):
    """Read every pixel where an affine map sends it."""
    theta = torch.cat([linear, shift[:, :, None]], dim=2)
    grid = F.affine_grid(theta, list(batch.shape), align_corners=False)
    return F.grid_sample(batch, grid, align_corners=False)


@dataclass(frozen=True)
class ColourJitter:
    """Change brightness, contrast and saturation, each by up to a share."""

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4

    def __call__(self, batch, generator):
        brightness, contrast, saturation = (
            1 + _uniform((len(batch), 1, 1, 1), -most, most, batch, generator)
            for most in (self.brightness, self.contrast, self.saturation)
        )
        batch = batch * brightness
        mean = luminance(batch).mean(dim=(2, 3), keepdim=True)
        batch = mean + (batch - mean) * contrast
        grey = luminance(batch)
        return grey + (batch - grey) * saturation


@dataclass(frozen=True)
class Grey:
    """Take away the colour, with some probability."""

    probability: float = 0.2

    def __call__(self, batch, generator):
        chosen = _chosen(batch, self.probability, generator)
        return torch.where(chosen, luminance(batch).expand_as(batch), batch)


def luminance(images):
    """Weigh red, green and blue as the eye does; other channels alike."""
    if images.shape[1] != 3:
        return images.mean(dim=1, keepdim=True)
    weights = torch.tensor([0.299, 0.587, 0.114], device=images.device)
    return torch.einsum("nchw,c->nhw", images, weights)[:, None]


@dataclass(frozen=True)
class Blur:
    """Smooth each image by a Gaussian kernel of a width drawn from an interval."""

    width: tuple = (0.1, 1.0)
    reach: int = field(default=2)

    def __call__(self, batch, generator):
        n, channels = batch.shape[:2]
        width = _uniform((n, 1), *self.width, batch, generator)
        offsets = torch.arange(-self.reach, self.reach + 1, device=batch.device)
        kernel = torch.exp(-0.5 * (offsets / width) ** 2)
        kernel = kernel / kernel.sum(dim=1, keepdim=True)
        kernel = kernel.repeat_interleave(channels, dim=0)[:, None]
        flat = batch.reshape(1, n * channels, *batch.shape[2:])
        flat = F.pad(flat, [self.reach] * 4, mode="replicate")
        flat = F.conv2d(flat, kernel[:, :, :, None], groups=n * channels)
        flat = F.conv2d(flat, kernel[:, :, None, :], groups=n * channels)
        return flat.reshape(batch.shape)


@dataclass(frozen=True)
class OnImages:
    """Apply an augmentation of images to rows that hold images.

    A row holds its pixels in the order of height, width and, if any, channel.
    """

    image_shape: tuple
    augmentation: object

    def __call__(self, batch, generator):
        height, width, channels = (*self.image_shape, 1)[:3]
        images = batch.reshape(-1, height, width, channels).permute(0, 3, 1, 2)
        images = self.augmentation(images, generator)
        return images.permute(0, 2, 3, 1).reshape(batch.shape)


def vector_augmentation(noise):
    """Noise of a given scale, and a fifth of the columns from other rows."""
    return Compose((GaussianNoise(noise), MarginalCorruption(0.2)))


def image_augmentation(image_shape, noise):
    """Small affine maps and noise; for images in colour what SimCLR does to photographs."""
    if (*image_shape, 1)[2] == 3:
        photograph = (
            ResizedCrop(),
            HorizontalFlip(),
            Sometimes(ColourJitter(), 0.8),
            Grey(),
            Sometimes(Blur(), 0.5),
        )
        return OnImages(image_shape, Compose(photograph))
    drawing = (RandomAffine(0.25, 0.15, 0.25), GaussianNoise(noise))
    return OnImages(image_shape, Compose(drawing))
