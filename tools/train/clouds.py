# SPDX-License-Identifier: Apache-2.0
"""Simulated clouds: layers of optical thickness at a height, of droplets or ice."""
import math
from dataclasses import dataclass

import torch

from fields import blur, power_noise

REGIMES = ["none", "cumulus", "stratocumulus", "stratus", "cirrus", "cirrus+cumulus", "haze", "front", "sheet"]
SHARES = [0.12, 0.28, 0.10, 0.06, 0.10, 0.13, 0.07, 0.06, 0.08]


@dataclass
class Layer:
    tau: torch.Tensor  # (size, size) optical thickness in the visible
    height_m: float
    ice: bool


def above(z, share):
    """How far a field exceeds what a share of it stays below, else 0."""
    return (z - torch.quantile(z, share)).clamp(min=0)


def low_or_mid(rng):
    """Height of a cloud sheet: two of three lie in the humid air below 2.5 km."""
    return rng.uniform(400, 2500) if rng.random() < 0.67 else rng.uniform(2500, 7000)


def fair_weather(rng, size):
    """Scattered clouds of 50 to 300 m, in flocks: as small and bright as roofs and bare fields, but with shadows."""
    z = power_noise(rng, size, rng.uniform(2.4, 4.0), lowest=size / rng.uniform(14, 60))
    z = z + rng.uniform(0.3, 1.5) * power_noise(rng, size, rng.uniform(3.0, 4.0)) + 0.15 * power_noise(rng, size, 2.1)
    depth = above(z, 1 - math.exp(rng.uniform(math.log(0.01), math.log(0.2))))
    top = math.exp(rng.uniform(math.log(2), math.log(40)))
    tau = top * (1 - torch.exp(-depth * rng.uniform(0.7, 4))) ** rng.uniform(0.8, 1.6)
    return Layer(tau, rng.uniform(400, 2200), False)


def cumulus(rng, size):
    """Separate clouds, crisp or fraying.

    Growing clouds end within a pixel or two. Those that mix with dry air, half of all, fade over hundreds of metres
    into wisps, and so do their shadows.
    """
    cover = rng.beta(1.1, 2.8) * 0.8
    top = math.exp(rng.uniform(math.log(4), math.log(80)))
    height = rng.uniform(600, 3500)
    if rng.random() < 0.5:
        z = power_noise(rng, size, rng.uniform(3.2, 4.2), lowest=rng.choice([0, 2, 4, 7, 10]))
        z = z + rng.uniform(0.08, 0.30) * power_noise(rng, size, 2.1)
        depth = above(z, 1 - cover)
        tau = top * (1 - torch.exp(-depth * rng.uniform(0.5, 2.5))) ** rng.uniform(0.9, 1.8)
        return Layer(tau * (1 + 0.25 * power_noise(rng, size, 1.4)).clamp(0.2, 3), height, False)
    z = power_noise(rng, size, rng.uniform(3.2, 4.0), lowest=rng.choice([0, 2, 4, 7]))
    z = z + rng.uniform(0.1, 0.5) * power_noise(rng, size, rng.uniform(2.4, 2.9))
    depth = above(z, 1 - cover)
    wisps = torch.exp(rng.uniform(0.2, 0.9) * power_noise(rng, size, rng.uniform(2.3, 3.0)))
    tau = top * (1 - torch.exp(-depth * rng.uniform(0.3, 1.5))) ** rng.uniform(1.0, 2.2) * wisps
    return Layer(tau, height, False)


def stratocumulus(rng, size):
    z = power_noise(rng, size, 3.0, lowest=rng.choice([2, 4, 6])) + 0.2 * power_noise(rng, size, 2.0)
    depth = above(z, rng.uniform(0.05, 0.6))
    return Layer(rng.uniform(4, 30) * depth ** rng.uniform(0.5, 1.2), low_or_mid(rng), rng.random() < 0.2)


def stratus(rng, size):
    tau = torch.exp(rng.uniform(math.log(1.5), math.log(40)) + rng.uniform(0.1, 0.6) * power_noise(rng, size, 2.8))
    if rng.random() < 0.5:  # broken
        tau = tau * torch.sigmoid(8 * (power_noise(rng, size, 3.0) - rng.uniform(-1, 1)))
    return Layer(tau, low_or_mid(rng), rng.random() < 0.2)


def cirrus(rng, size, strength=None):
    z = power_noise(rng, size, rng.uniform(2.4, 3.2), rng.uniform(1, 5), rng.uniform(0, math.pi))
    depth = above(z, rng.uniform(0, 0.7))
    strength = rng.uniform(0.1, 2.5) if strength is None else strength
    return Layer(strength * depth ** rng.uniform(0.8, 1.6), rng.uniform(7000, 12500), True)


def veil(rng, size):
    """Ice too thin to be called a cloud, which still brightens B10."""
    tau = rng.uniform(0.02, 0.2) * (1 + 0.3 * power_noise(rng, size, 3.0)).clamp(0, 2)
    return Layer(tau, rng.uniform(8000, 13000), True)


def haze(rng, size):
    tau = rng.uniform(0.3, 2.5) * (power_noise(rng, size, 3.0) + rng.uniform(-0.3, 1)).clamp(min=0)
    return Layer(tau, rng.uniform(200, 1500), False)


def sheet(rng, size):
    """A closed, even deck, from one that veils the ground to one that hides it."""
    mean, spread = rng.uniform(math.log(0.35), math.log(8)), rng.uniform(0.03, 0.3)
    tau = torch.exp(mean + spread * power_noise(rng, size, rng.uniform(2.2, 3.2)))
    return Layer(tau, low_or_mid(rng), rng.random() < 0.15)


def front(rng, size):
    """Long edges of large cloud decks; a wave, so that the field stays periodic."""
    x = torch.arange(size, device=rng.device) / size
    kx, ky = [(1, 0), (0, 1), (1, 1), (1, -1)][rng.integers(4)]
    wave = torch.sin(2 * math.pi * (kx * x[None] + ky * x[:, None] + rng.random())) + 0.4 * power_noise(rng, size, 2.6)
    tau = rng.uniform(5, 50) * torch.sigmoid((wave - rng.uniform(-0.3, 0.7)) * rng.uniform(3, 15))
    return Layer(tau, low_or_mid(rng), rng.random() < 0.3)


def smooth(layer, pixels):
    """Light walks sideways between droplets: clouds of many looks lack structure below a hundred metres."""
    return Layer(blur(layer.tau, pixels), layer.height_m, layer.ice)


def random_layers(rng, size):
    """(layers from the lowest up, regime)"""
    regime = str(rng.choice(REGIMES, p=SHARES))
    layers = []
    if regime in ("cumulus", "cirrus+cumulus"):
        layers.append(fair_weather(rng, size) if rng.random() < 0.35 else cumulus(rng, size))
    if regime in ("cirrus", "cirrus+cumulus"):
        layers.append(cirrus(rng, size))
    if rng.random() < 0.15:
        layers.append(veil(rng, size))
    single = {"stratocumulus": stratocumulus, "stratus": stratus, "haze": haze, "front": front, "sheet": sheet}
    if regime in single:
        layers.append(single[regime](rng, size))
    if regime == "front" and rng.random() < 0.5:
        layers.append(cumulus(rng, size))
    if rng.random() < 0.6:
        layers = [smooth(layer, rng.uniform(0.4, 2.5)) for layer in layers]
    return sorted(layers, key=lambda layer: layer.height_m), regime
