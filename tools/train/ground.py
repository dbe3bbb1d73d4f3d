# SPDX-License-Identifier: Apache-2.0
"""Simulated ground: surface reflectance in 13 bands and, for relief, slopes.

Nine kinds of landscape, each a few spectra of the library arranged by random fields.
"""
import math
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
import torch

from atmosphere import load_spectra
from fields import mixture_weights, modulation, parcels, power_noise, slopes

KINDS = ["crop", "forest", "mixed", "desert", "urban", "coast", "water", "snow", "mountain"]
SHARES = [0.19, 0.13, 0.17, 0.11, 0.08, 0.11, 0.05, 0.09, 0.07]


@dataclass
class Ground:
    rho: torch.Tensor  # (13, size, size) float32
    kind: str
    slope: Optional[Tuple[torch.Tensor, torch.Tensor]] = None  # height per pixel width along x and y


class Spectra:
    """The library of a split as one table on a device."""

    def __init__(self, split, device="cpu"):
        library = load_spectra(split)
        self.sizes = {kind: len(rows) for kind, rows in library.items()}
        self.firsts = dict(zip(self.sizes, np.cumsum([0, *self.sizes.values()])))
        self.table = torch.as_tensor(np.concatenate(list(library.values())), dtype=torch.float32, device=device)

    def pick(self, rng, kinds, shares=None):
        """One random spectrum of one of the kinds, (13,)."""
        return self.palette(rng, kinds, shares, 1)[0]

    def palette(self, rng, kinds, shares, count):
        """`count` of them, (count, 13)."""
        kinds = np.atleast_1d(kinds)
        of = rng.choice(len(kinds), count, p=shares)
        size = np.array([self.sizes[k] for k in kinds])[of]
        first = np.array([self.firsts[k] for k in kinds])[of]
        return self.table[torch.as_tensor(first + rng.integers(size), device=self.table.device)]


def cover(rng, size, spectrum, amount, slope=1.8):
    return spectrum * modulation(rng, size, amount, slope, 0.3, 2.0)


# What yellow flowers (rape, mustard) add to a green canopy.
FLOWERS = (0.0, 0.005, 0.10, 0.085, 0.09, 0.05, 0.04, 0.04, 0.04, 0.04, 0.03, 0.02, 0.02)


def crop(rng, size, spectra):
    count = int(rng.integers(15, 160) * (size / 256) ** 2)
    index = parcels(rng, size, count, angular=rng.random() < 0.75)
    palette = spectra.palette(rng, ["veg", "soil", "burn"], [0.55, 0.40, 0.05], count)
    if rng.random() < 0.25:
        blooms = rng.uniform(0.3, 1.2, (count, 1)) * (rng.random((count, 1)) < rng.uniform(0.02, 0.3))
        palette = palette + rng.tensor(blooms) * rng.tensor(FLOWERS)
    rho = palette[index] * modulation(rng, size, rng.uniform(0.02, 0.1))
    if rng.random() < 0.3:  # woods between the fields
        wood = (power_noise(rng, size, 2.6) > rng.uniform(0.8, 1.6))[..., None]
        rho = torch.where(wood, spectra.pick(rng, "veg") * modulation(rng, size, 0.2, 0.8), rho)
    return rho


def forest(rng, size, spectra):
    a = spectra.pick(rng, "veg")
    b = spectra.pick(rng, ["veg", "soil"], [0.7, 0.3])
    w = torch.sigmoid(3 * power_noise(rng, size, 2.4))[..., None]
    return (a * w + b * (1 - w)) * modulation(rng, size, rng.uniform(0.05, 0.25), rng.uniform(0.9, 2.2), 0.3, 2.0)


def mixed(rng, size, spectra):
    parts = spectra.palette(rng, ["veg", "soil", "urban", "burn"], [0.55, 0.3, 0.1, 0.05], 4)
    w = mixture_weights(rng, size, 4, rng.uniform(1, 5), rng.uniform(1.6, 3.2))
    return (w @ parts) * modulation(rng, size, rng.uniform(0.03, 0.12), rng.uniform(1.0, 2.2))


def desert(rng, size, spectra):
    parts = spectra.palette(rng, "soil", None, 3) * rng.tensor(rng.uniform(1, 2.2, (3, 1)))
    w = mixture_weights(rng, size, 3, 2.0, 2.2, rng.uniform(1, 4), rng.uniform(0, 3))
    return (w @ parts).clamp(0, 0.9) * modulation(rng, size, 0.08, 1.2, 0.5, 1.6)


def urban(rng, size, spectra):
    count = int(rng.integers(300, 1500) * (size / 256) ** 2)
    blocks = parcels(rng, size, count)
    palette = spectra.palette(rng, ["urban", "veg", "soil"], [0.65, 0.25, 0.10], count)
    park = power_noise(rng, size, 2.4) > rng.uniform(0.2, 1.2)
    return torch.where(park[..., None], cover(rng, size, spectra.pick(rng, "veg"), 0.15), palette[blocks])


def water(rng, size, spectra):
    rho = cover(rng, size, spectra.pick(rng, "water"), 0.12, 2.4)
    glint = rng.gamma(0.5, 0.02) if rng.random() < 0.4 else 0.0
    return rho + glint * modulation(rng, size, 0.3, 1.0, 0.0, 3.0)


def coast(rng, size, spectra):
    height = power_noise(rng, size, 2.7)
    shore = rng.uniform(-0.7, 0.7)
    parts = spectra.palette(rng, ["veg", "soil", "urban"], None, 3)
    land = mixture_weights(rng, size, 3, 3.0, 2.0) @ parts
    if rng.random() < 0.5:
        beach = torch.exp(-(((height - shore) / 0.06) ** 2))[..., None]
        land = land * (1 - beach) + spectra.pick(rng, "soil") * rng.uniform(1, 2) * beach
    return torch.where((height > shore)[..., None], land, water(rng, size, spectra))


def snow(rng, size, spectra):
    rho = cover(rng, size, spectra.pick(rng, "snow"), 0.06, 1.6)
    if rng.random() < 0.6:
        bare = cover(rng, size, spectra.pick(rng, ["veg", "soil"]), 0.2)
        rho = torch.where((power_noise(rng, size, 2.2) > rng.uniform(-0.8, 1.2))[..., None], rho, bare)
    return rho


def over(rho, mask, spectrum):
    """mask: (size, size) bool, or the share of each pixel that is covered."""
    return torch.lerp(rho, spectrum.expand_as(rho), mask.float()[..., None])


def upper(z, share):
    """Where a field is among its highest `share`."""
    return z > torch.quantile(z, 1 - share)


def roads(rng, size):
    """Share of each pixel that straight or slightly bent roads cover."""
    x = torch.arange(size, dtype=torch.float32, device=rng.device)
    bend = power_noise(rng, size, 3.5) * rng.uniform(0, 6)
    out = torch.zeros(size, size, device=rng.device)
    for _ in range(rng.integers(1, 6)):
        a, at, width = rng.uniform(0, np.pi), rng.uniform(-0.4, 0.4) * size, rng.uniform(0.3, 1.6)
        away = np.cos(a) * (x[None] - size / 2) + np.sin(a) * (x[:, None] - size / 2) + bend - at
        out = torch.maximum(out, (width / 2 + 0.5 - away.abs()).clamp(0, min(1.0, width)))
    return out


def buildings(rng, size):
    """Farms and villages: small bright roofs, crowded where a smooth field is high."""
    k = int(rng.choice([1, 2]))
    n = -(-size // k)
    built = rng.uniform_field(n, n) < rng.uniform(0.05, 0.4)
    built = built.repeat_interleave(k, 0).repeat_interleave(k, 1)[:size, :size]
    crowd = power_noise(rng, size, rng.uniform(1.8, 3.0), lowest=rng.choice([0, 4, 8]))
    return built & upper(crowd, rng.uniform(0.003, 0.08))


def details(rng, size, rho, spectra):
    """What lies scattered in a landscape and passes for shadow (ponds, rivers, dark woods) or cloud (roofs, roads)."""
    if rng.random() < 0.35:
        z = power_noise(rng, size, rng.uniform(2.2, 3.2), lowest=rng.choice([0, 3, 6]))
        wood = upper(z, rng.uniform(0.02, 0.4))
        pine = spectra.pick(rng, "veg") * rng.uniform(0.4, 0.9)
        rho = over(rho, wood, pine * modulation(rng, size, rng.uniform(0.05, 0.2), 1.0))
    if rng.random() < 0.35:
        z = power_noise(rng, size, rng.uniform(2.2, 3.4), lowest=rng.choice([0, 4, 8, 14]))
        rho = over(rho, upper(z, rng.uniform(0.002, 0.06)), spectra.pick(rng, "water"))
    if rng.random() < 0.15:  # a river follows the zero of a smooth field
        z = power_noise(rng, size, rng.uniform(3.0, 4.0))
        rho = over(rho, upper(-z.abs(), rng.uniform(0.005, 0.03)), spectra.pick(rng, "water"))
    if rng.random() < 0.4:
        rho = over(rho, roads(rng, size), spectra.pick(rng, ["urban", "soil"]))
    if rng.random() < 0.3:
        roofs = spectra.pick(rng, "urban") * rng.uniform(0.8, 1.5) * modulation(rng, size, 0.4, 0.0, 0.4, 2.0)
        rho = over(rho, buildings(rng, size), roofs.clamp(0, 0.9))
    return rho


DETAILED = ("crop", "forest", "mixed", "mountain", "urban", "coast")

MAKERS = {
    "crop": crop, "forest": forest, "mixed": mixed, "desert": desert, "urban": urban,
    "coast": coast, "water": water, "snow": snow, "mountain": forest,
}  # fmt: skip


def random_ground(rng, size, spectra):
    kind = str(rng.choice(KINDS, p=SHARES))
    rho = MAKERS[kind](rng, size, spectra)
    if kind in DETAILED:
        rho = details(rng, size, rho, spectra)
    rho = rho.clamp(0, 1.3).permute(2, 0, 1).contiguous()
    hilly = kind in ("mountain", "snow") or (kind not in ("water", "coast") and rng.random() < 0.22)
    if not hilly:
        return Ground(rho, kind)
    dx, dy = slopes(power_noise(rng, size, rng.uniform(3.2, 4.2)))
    steepness = math.tan(math.radians(rng.uniform(3, 30))) / torch.sqrt((dx * dx + dy * dy).mean())
    return Ground(rho, kind, (dx * steepness, dy * steepness))
