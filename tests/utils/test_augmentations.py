# SPDX-License-Identifier: BSD-3-Clause
"""Augmentations: identities at their limits, and what they must not change."""

import numpy as np
import pytest
import torch

from sklearn_theory.utils._augmentations import (
    Blur,
    ColourJitter,
    Compose,
    GaussianNoise,
    Grey,
    HorizontalFlip,
    MarginalCorruption,
    OnImages,
    RandomAffine,
    ResizedCrop,
    Shift,
    Sometimes,
    image_augmentation,
    luminance,
    vector_augmentation,
)

OF_IMAGES = [
    RandomAffine(0.3, 0.2, 0.2),
    Shift(2),
    HorizontalFlip(),
    ResizedCrop(),
    ColourJitter(),
    Grey(),
    Blur(),
    GaussianNoise(0.1),
]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def draw_images(n=20, channels=3, height=6, width=7):
    return torch.rand((n, channels, height, width), generator=seeded(9))


@pytest.mark.parametrize("augmentation", OF_IMAGES, ids=lambda a: type(a).__name__)
class TestEveryImageAugmentation:
    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_shape_and_seed(self, augmentation, channels):
        images = draw_images(channels=channels)
        first, again, other = (augmentation(images, seeded(s)) for s in (1, 1, 2))
        assert first.shape == images.shape
        assert first.dtype == images.dtype
        assert torch.equal(first, again)
        if channels == 3:
            assert not torch.equal(first, other)

    def test_the_batch_and_the_global_generator_are_untouched(self, augmentation):
        images = draw_images()
        copy, state = images.clone(), torch.get_rng_state()
        augmentation(images, seeded())
        assert torch.equal(images, copy)
        assert torch.equal(torch.get_rng_state(), state)

    def test_equal_rows_get_different_changes(self, augmentation):
        images = draw_images(n=1).repeat(30, 1, 1, 1)
        changed = augmentation(images, seeded())
        assert len(torch.unique(changed.flatten(1), dim=0)) > 1


class TestLimits:
    @pytest.mark.parametrize(
        "augmentation",
        [
            RandomAffine(),
            Shift(0),
            HorizontalFlip(0.0),
            ResizedCrop((1.0, 1.0), (1.0, 1.0)),
            ColourJitter(0, 0, 0),
            Grey(0.0),
            GaussianNoise(0.0),
            Sometimes(Grey(1.0), 0.0),
            Compose(()),
        ],
        ids=lambda a: type(a).__name__,
    )
    def test_nothing_changes(self, augmentation):
        images = draw_images()
        torch.testing.assert_close(
            augmentation(images, seeded()), images, rtol=1e-5, atol=1e-5
        )

    def test_a_flip_is_its_own_inverse(self):
        images, flip = draw_images(), HorizontalFlip(1.0)
        flipped = flip(images, seeded())
        assert torch.equal(flipped[..., 0], images[..., -1])
        assert torch.equal(flip(flipped, seeded()), images)

    def test_a_shift_moves_whole_pixels(self):
        images = draw_images(n=200)
        shifted = Shift(1)(images, seeded())
        padded = torch.nn.functional.pad(images, [1, 1, 1, 1])
        crops = [padded[..., i : i + 6, j : j + 7] for i in range(3) for j in range(3)]
        matches = torch.stack([(shifted == crop).all(dim=(1, 2, 3)) for crop in crops])
        assert matches.any(dim=0).all()
        assert matches.any(dim=1).all(), "every move occurs"

    def test_a_rotation_keeps_the_distance_to_the_centre(self):
        images = torch.zeros(50, 1, 9, 9)
        images[:, :, 4, 7] = 1
        turned = RandomAffine(rotation=np.pi)(images, seeded())
        offsets = torch.arange(9) - 4.0
        radius = torch.hypot(offsets[:, None], offsets[None, :])
        mass = turned.sum(dim=(1, 2, 3))
        mean = (turned[:, 0] * radius).sum(dim=(1, 2)) / mass
        torch.testing.assert_close(mean, torch.full((50,), 3.0), rtol=0.1, atol=0)

    def test_blur_keeps_constants_and_smooths(self):
        constant = torch.full((3, 2, 6, 6), 2.5)
        torch.testing.assert_close(Blur()(constant, seeded()), constant)
        images = draw_images()
        assert Blur((1.0, 1.0))(images, seeded()).std() < images.std()

    def test_grey_has_equal_channels(self):
        grey = Grey(1.0)(draw_images(), seeded())
        assert torch.equal(grey[:, 0], grey[:, 1])
        torch.testing.assert_close(luminance(grey), luminance(draw_images()))

    def test_crops_stay_within_the_values(self):
        images = draw_images() + 1
        cropped = ResizedCrop()(images, seeded())
        assert cropped.min() > 0.3  # Half a pixel of the border may be outside.
        assert cropped.max() <= images.max() + 1e-5


class TestVectors:
    def test_corruption_takes_values_of_the_same_column(self):
        batch = torch.arange(200.0).view(50, 4)
        corrupted = MarginalCorruption(0.3)(batch, seeded())
        for column in range(4):
            assert set(corrupted[:, column].tolist()) <= set(batch[:, column].tolist())
        assert 0.2 < (corrupted != batch).float().mean() < 0.4
        assert torch.equal(MarginalCorruption(0.0)(batch, seeded()), batch)

    def test_noise_by_column(self):
        batch = torch.zeros(20_000, 3)
        noisy = GaussianNoise(np.array([0.0, 0.5, 2.0]))(batch, seeded())
        torch.testing.assert_close(
            noisy.std(dim=0), torch.tensor([0.0, 0.5, 2.0]), rtol=0.02, atol=0
        )

    def test_default(self):
        batch = torch.ones(30, 4)
        changed = vector_augmentation(0.1 * np.ones(4))(batch, seeded())
        assert changed.shape == batch.shape
        assert 0 < (changed - 1).abs().max() < 1


class TestOnImages:
    @pytest.mark.parametrize("image_shape", [(4, 6), (4, 6, 3)])
    def test_layout_of_rows(self, image_shape):
        rows = torch.arange(2.0 * np.prod(image_shape)).view(2, -1)
        flip = OnImages(image_shape, HorizontalFlip(1.0))
        flipped = flip(rows, seeded()).view(2, *image_shape)
        assert torch.equal(flipped, rows.view(2, *image_shape).flip(2))

    @pytest.mark.parametrize("image_shape", [(8, 8), (8, 8, 3)])
    def test_default(self, image_shape):
        rows = torch.rand((5, int(np.prod(image_shape))), generator=seeded())
        changed = image_augmentation(image_shape, 0.1)(rows, seeded())
        assert changed.shape == rows.shape
        assert torch.isfinite(changed).all()
