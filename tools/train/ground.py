# SPDX-License-Identifier: Apache-2.0
"""Simulated ground: surface reflectance in 13 bands and, for relief, slopes.

Nine kinds of landscape, each a few spectra of the library arranged by random fields.
"""
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from fields import mixture_weights, modulation, parcels, power_noise

KINDS = ["crop", "forest", "mixed", "desert", "urban", "coast", "water", "snow", "mountain"]
SHARES = [0.19, 0.13, 0.17, 0.11, 0.08, 0.11, 0.05, 0.09, 0.07]


@dataclass
class Ground:
    rho: np.ndarray  # (size, size, 13) float32
    kind: str
    slope: Optional[Tuple[np.ndarray, np.ndarray]] = None  # height per pixel width along x and y


def pick(rng, spectra, kinds, shares=None):
    """One random spectrum of one of the kinds."""
    if not isinstance(kinds, str):
        kinds = rng.choice(kinds, p=shares)
    table = spectra[kinds]
    return table[rng.integers(len(table))].astype(np.float32)


def cover(rng, size, spectrum, amount, slope=1.8):
    return spectrum * modulation(rng, size, amount, slope, 0.3, 2.0)


def crop(rng, size, spectra):
    index = parcels(rng, size, int(rng.integers(15, 160)), angular=rng.random() < 0.75)
    kinds, shares = ["veg", "soil", "burn"], [0.55, 0.40, 0.05]
    palette = np.array([pick(rng, spectra, kinds, shares) for _ in range(index.max() + 1)])
    rho = palette[index] * modulation(rng, size, rng.uniform(0.02, 0.1))
    if rng.random() < 0.3:  # woods between the fields
        wood = power_noise(rng, size, 2.6) > rng.uniform(0.8, 1.6)
        rho[wood] = (pick(rng, spectra, "veg") * modulation(rng, size, 0.2, 0.8))[wood]
    return rho


def forest(rng, size, spectra):
    a = pick(rng, spectra, "veg")
    b = pick(rng, spectra, ["veg", "soil"], [0.7, 0.3])
    w = 1 / (1 + np.exp(-3 * power_noise(rng, size, 2.4)))[..., None]
    return (a * w + b * (1 - w)) * modulation(rng, size, rng.uniform(0.05, 0.25), rng.uniform(0.9, 2.2), 0.3, 2.0)


def mixed(rng, size, spectra):
    parts = np.array([pick(rng, spectra, ["veg", "soil", "urban", "burn"], [0.55, 0.3, 0.1, 0.05]) for _ in range(4)])
    w = mixture_weights(rng, size, 4, rng.uniform(1, 5), rng.uniform(1.6, 3.2))
    return (w @ parts) * modulation(rng, size, rng.uniform(0.03, 0.12), rng.uniform(1.0, 2.2))


def desert(rng, size, spectra):
    parts = np.array([pick(rng, spectra, "soil") * rng.uniform(1, 2.2) for _ in range(3)])
    w = mixture_weights(rng, size, 3, 2.0, 2.2, rng.uniform(1, 4), rng.uniform(0, 3))
    return np.clip(w @ parts, 0, 0.9) * modulation(rng, size, 0.08, 1.2, 0.5, 1.6)


def urban(rng, size, spectra):
    blocks = parcels(rng, size, int(rng.integers(300, 1500)))
    kinds, shares = ["urban", "veg", "soil"], [0.65, 0.25, 0.10]
    palette = np.array([pick(rng, spectra, kinds, shares) for _ in range(blocks.max() + 1)])
    park = power_noise(rng, size, 2.4) > rng.uniform(0.2, 1.2)
    return np.where(park[..., None], cover(rng, size, pick(rng, spectra, "veg"), 0.15), palette[blocks])


def water(rng, size, spectra):
    rho = cover(rng, size, pick(rng, spectra, "water"), 0.12, 2.4)
    glint = rng.gamma(0.5, 0.02) if rng.random() < 0.4 else 0.0
    return rho + glint * modulation(rng, size, 0.3, 1.0, 0.0, 3.0)


def coast(rng, size, spectra):
    height = power_noise(rng, size, 2.7)
    shore = rng.uniform(-0.7, 0.7)
    parts = np.array([pick(rng, spectra, ["veg", "soil", "urban"]) for _ in range(3)])
    land = mixture_weights(rng, size, 3, 3.0, 2.0) @ parts
    if rng.random() < 0.5:
        beach = np.exp(-(((height - shore) / 0.06) ** 2))[..., None]
        land = land * (1 - beach) + pick(rng, spectra, "soil") * rng.uniform(1, 2) * beach
    return np.where((height > shore)[..., None], land, water(rng, size, spectra))


def snow(rng, size, spectra):
    rho = cover(rng, size, pick(rng, spectra, "snow"), 0.06, 1.6)
    if rng.random() < 0.6:
        bare = cover(rng, size, pick(rng, spectra, ["veg", "soil"]), 0.2)
        rho = np.where((power_noise(rng, size, 2.2) > rng.uniform(-0.8, 1.2))[..., None], rho, bare)
    return rho


MAKERS = {
    "crop": crop, "forest": forest, "mixed": mixed, "desert": desert, "urban": urban,
    "coast": coast, "water": water, "snow": snow, "mountain": forest,
}  # fmt: skip


def relief(rng, size, steepness):
    """Slopes of a random mountain surface."""
    dy, dx = np.gradient(power_noise(rng, size, 3.2))
    return dx * steepness, dy * steepness


def random_ground(rng, size, spectra):
    kind = rng.choice(KINDS, p=SHARES)
    rho = np.clip(MAKERS[kind](rng, size, spectra), 0, 1.3).astype(np.float32)
    hilly = kind in ("mountain", "snow") or (kind not in ("water", "coast") and rng.random() < 0.22)
    return Ground(rho, str(kind), relief(rng, size, rng.uniform(2, 14)) if hilly else None)
