# SPDX-License-Identifier: Apache-2.0
"""Random fields and tessellations that scenes are composed of.

Every function takes a numpy Generator, so a scene is a function of its seed.
Fields are periodic: a shift with wrap-around keeps their statistics.
"""
import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree


def power_noise(rng, size, slope=2.2, stretch=1.0, angle=0.0, lowest=0.0):
    """Gaussian noise with spectrum k^-slope, zero mean and unit variance, (size, size) float32.

    stretch, angle: anisotropy and its direction in radians.
    lowest: cycles per image below which nothing is drawn (sets the size of the largest structures).
    """
    fy = np.fft.fftfreq(size)[:, None]
    fx = np.fft.rfftfreq(size)[None, :]
    along = (np.cos(angle) * fx + np.sin(angle) * fy) * stretch
    across = -np.sin(angle) * fx + np.cos(angle) * fy
    k = np.hypot(along, across)
    k[0, 0] = 1.0
    amplitude = k ** (-slope / 2)
    amplitude[0, 0] = 0.0
    if lowest:
        amplitude[k < lowest / size] = 0.0
    phase = np.exp(2j * np.pi * rng.random(k.shape))
    field = np.fft.irfft2(amplitude * phase, s=(size, size))
    return ((field - field.mean()) / (field.std() + 1e-12)).astype(np.float32)


def modulation(rng, size, amount, slope=1.2, low=0.4, high=1.8):
    """Multiplicative texture around 1, (size, size, 1)."""
    return np.clip(1 + amount * power_noise(rng, size, slope), low, high)[..., None]


def mixture_weights(rng, size, parts, sharpness, slope=2.2, stretch=1.0, angle=0.0):
    """Soft partition of the image into `parts`, (size, size, parts), sums to 1."""
    z = np.stack([power_noise(rng, size, slope, stretch, angle) for _ in range(parts)], -1)
    w = np.exp(sharpness * z)
    return w / w.sum(-1, keepdims=True)


def parcels(rng, size, count, angular=True):
    """Tessellation into `count` fields or building blocks: an index per pixel, (size, size) int.

    angular: edges along two axes of a random direction (fields), otherwise rounded cells.
    """
    seeds = rng.random((count, 2)) * size
    y, x = np.mgrid[:size, :size].astype(np.float32)
    warp = power_noise(rng, size, 3.0) * size * (0.004 if angular else 0.02)
    points = np.stack([x.ravel() + warp.ravel(), y.ravel() - warp.ravel()], 1)
    if angular:
        a = rng.uniform(0, np.pi)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) * [[rng.uniform(0.6, 1.6)], [1.0]]
        points, seeds = points @ turn.T, seeds @ turn.T
    _, index = cKDTree(seeds).query(points, p=rng.choice([1, np.inf]) if angular else 2)
    return index.reshape(size, size)


def shift_periodic(field, dy, dx):
    """Shifts by a fraction of pixels with wrap-around, bilinear: sharp edges must not ring."""
    return ndimage.shift(field, (dy, dx), order=1, mode="grid-wrap")


def blur_wide(field, parts):
    """Periodic blur by a sum of Gaussians [(share, standard deviation in pixels)], possibly wider than the field."""
    fy, fx = np.fft.fftfreq(field.shape[0])[:, None], np.fft.rfftfreq(field.shape[1])[None]
    squared = 2 * np.pi**2 * (fx * fx + fy * fy)
    kernel = sum(share * np.exp(-squared * sigma * sigma) for share, sigma in parts)
    return np.fft.irfft2(np.fft.rfft2(field) * kernel, field.shape)
