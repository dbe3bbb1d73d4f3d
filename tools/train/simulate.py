# SPDX-License-Identifier: Apache-2.0
"""Composes ground, clouds and air into what Sentinel-2 would see, with its true classes.

Radiative transfer is single-column and approximate: 6SV terms for the air, a two-stream formula for clouds, shadows
from the sun's direction and the height of each cloud layer. Classes: 0 clear, 1 thick cloud, 2 thin cloud, 3 shadow.
Images are tensors on the device of the Draws, bands first; nothing comes back to the host on the way.
"""
import math
from dataclasses import dataclass, field

import torch

from atmosphere import BANDS, RESOLUTION_M, WAVELENGTH_UM
from clouds import random_layers
from fields import blur, blur_wide, close_gaps, grow, power_noise, shift_periodic, slopes
from ground import random_ground

MARGIN = 32  # simulated around the image and cut off
CLEAR, THICK, THIN, SHADOW = 0, 1, 2, 3
CLASS_NAMES = ["clear", "thick cloud", "thin cloud", "cloud shadow"]
THIN_TAU = 0.28  # below, a cloud is not labelled
THICK_TAU = 2.5  # above, the ground is not labelled through it
VEIL_TAU = 0.7  # a shadow below less cloud than this is labelled as shadow
BEAM = 0.5  # of the extinction by cloud particles; the rest is scattered so narrowly forward that it stays in the beam
BACKWARD = 0.15  # 1 - g of cloud particles

# Imaginary refractive index of ice and water at the band centres.
INDEX_ICE = (
    7e-11, 3.5e-10, 2.8e-9, 1.65e-8, 3.5e-8, 6e-8, 1.1e-7, 1.8e-7, 2.3e-7, 7e-7, 1.6e-5, 2.8e-4, 3e-4
)
INDEX_WATER = (
    9e-10, 9.5e-10, 2e-9, 2.2e-8, 3.9e-8, 1.4e-7, 1.4e-7, 3e-7, 3.4e-7, 2.7e-6, 1.5e-4, 9e-5, 2.9e-4
)
B09, B10 = BANDS.index("B09"), BANDS.index("B10")


@dataclass
class Scene:
    toa: torch.Tensor  # (13, size, size) float32, as resampled to the working grid by nearest neighbour
    rho: torch.Tensor  # (13, size, size) float32: surface reflectance
    label: torch.Tensor  # (size, size) uint8
    info: dict = field(default_factory=dict)


@dataclass
class Particles:
    """What droplets or crystals do to light; tensors are (13, ...) by band or (...)."""

    absorption: torch.Tensor  # imaginary refractive index over wavelength in m
    radius_m: torch.Tensor
    saturation_tau: torch.Tensor  # thinner layers scatter too few times to absorb
    vapour_growth: torch.Tensor
    vapour_within: torch.Tensor  # what light meets between droplets, over all that is above the cloud's height


@dataclass
class Air:
    """The terms of an Atmosphere as tensors (13, ...)."""

    path: torch.Tensor
    gas: torch.Tensor
    two_way: torch.Tensor  # down * up
    albedo: torch.Tensor


def absorption(rng, ice):
    """(13,)"""
    return rng.tensor(INDEX_ICE if ice else INDEX_WATER) / (rng.tensor(WAVELENGTH_UM) * 1e-6)


def cloud_reflectance(tau, cos_sun):
    """Two-stream reflectance of a layer without absorption."""
    x = 0.75 * BACKWARD * tau / torch.as_tensor(cos_sun).clamp(min=0.2) ** 0.35
    return x / (1 + x)


def sunlight_below(layers, cos_sun, sun, pixel_m):
    """What reaches the ground through all layers: (the beam, beam and light scattered by clouds), (size, size) each.

    What a cloud neither lets straight through nor reflects leaves its base in all directions and reaches the ground
    around the shadow's place, as far away as the cloud is high: an isolated cumulus casts a dark shadow, a broken deck
    a bright one, and below a closed deck it is as light as 1 - reflectance says.
    """
    beam = total = torch.ones_like(layers[0].tau)
    tan_sun = math.sqrt(1 - cos_sun**2) / cos_sun
    for layer in layers:
        height = layer.height_m / pixel_m
        tau = shift_periodic(layer.tau, -sun[1] * height * tan_sun, -sun[0] * height * tan_sun)
        # The sun's disc and scattering at the edge blur a shadow in proportion to the cloud's height.
        slant = blur(tau, max(0.3, height * 0.0045 / cos_sun)) / cos_sun
        straight = torch.exp(-BEAM * slant)
        scattered = (1 - cloud_reflectance(tau, cos_sun) - straight).clamp(min=0)
        beam = beam * straight
        total = total * (straight + blur_wide(scattered, [(0.4, 0.2 * height), (0.6, 0.8 * height)]))
    return beam, total


def self_shading(rng, layer, cos_sun, sun):
    """Brightness of cloud tops: their sunlit sides are brighter, and real clouds darker than slabs."""
    if layer.ice:
        return 1.0
    gx, gy = slopes(blur(torch.log1p(layer.tau), 1.2))
    tan_sun = math.sqrt(1 - cos_sun**2) / cos_sun
    side = (1 - (gx * sun[0] + gy * sun[1]) * tan_sun * rng.uniform(0.2, 1.6)).clamp(0.35, 1.5)
    return side * (1 + 0.08 * power_noise(rng, layer.tau.shape[0], rng.uniform(1.4, 2.8))).clamp(0.6, 1.3)


def terrain_illumination(slope, cos_sun, sun):
    """cos(incidence) / cos(sun zenith), 1 on flat ground."""
    gx, gy = slope
    tan_sun = math.sqrt(1 - cos_sun**2) / cos_sun
    lit = (1 - (gx * sun[0] + gy * sun[1]) * tan_sun) / torch.sqrt(1 + gx * gx + gy * gy)
    return lit.clamp(0, 1.8)


def gas_above(height_m, tau, gas, particles):
    """Two-way gas transmittance of the air above and in a cloud, (13, ...), of that of all the air.

    Water vapour thins out with a scale height of 2.2 km, and light that is scattered many times in a cloud meets more
    of it there: a low deck can be as dark in B09 as the ground. Its absorption at 0.94 um grows between the square
    root of the amount and linearly; other bands also hold gases that are mixed evenly, or high. B10 sits on far
    stronger lines: only what lies above some 4 km is seen, and the little light that a band model lets through from
    the ground comes from the band's wings.
    """
    left = torch.exp(-torch.as_tensor(height_m) / 2200)
    amount = (left * (1 + particles.vapour_within * (1 - torch.exp(-tau / 6)))) ** particles.vapour_growth
    out = gas ** (0.4 + 0.6 * amount)
    out[B09] = gas[B09] ** amount
    out[B10] = 0.002 + 0.998 * torch.exp(-6 * torch.log(gas[B09]) ** 2 * left**0.9)
    return out


def spread_below(below, layer, pixel_m):
    """What lies below a cloud, (13, size, size), as seen through it.

    Little but light that comes straight through shows the ground's pattern; the rest has been scattered on the way and
    comes from as far around as the cloud is high.
    """
    around = blur_wide(below, [(1.0, 0.5 * layer.height_m / pixel_m)])
    straight = torch.exp(-BEAM * layer.tau) / (1 - cloud_reflectance(layer.tau, 1.0))
    return torch.lerp(around, below, straight)


def see_through(tau, height_m, particles, below, air, rho, brightness, cos_sun):
    """Adds a cloud layer over the reflectance `below`, (13, ...)."""
    reflect = cloud_reflectance(tau, cos_sun)
    depth = 0.85 * 4 * math.pi * particles.absorption * particles.radius_m  # per scattering
    fill = 1 - torch.exp(-tau / particles.saturation_tau)
    dark = reflect * torch.exp(-4 * torch.sqrt(depth / (3 * BACKWARD)) * fill)
    transmit = (1 - reflect) * torch.exp(-0.5 * depth * tau / 0.3)
    transmit = transmit + 0.12 * (1 - transmit) * torch.exp(-tau / 12)
    ground = (below - air.path) * transmit / (1 - 0.6 * rho.clamp(0, 1) * dark)
    above = torch.exp(-torch.as_tensor(height_m) / 7000)  # share of the air, haze included
    top = dark * 0.97 * brightness
    top = top * air.two_way**above / (1 - air.albedo * above * top)
    air_light = air.path * (1 - reflect) + air.path * above * reflect
    return ground + air_light + gas_above(height_m, tau, air.gas, particles) * top


def compose(rng, ground, layers, air, pixel_m, sun_azimuth=None):
    """Noise-free TOA reflectance (13, size, size) and labels of the whole field; layers from the lowest up."""
    size = ground.rho.shape[-1]
    cos_sun = math.cos(math.radians(air.sun_zenith))
    azimuth = rng.uniform(0, 2 * math.pi) if sun_azimuth is None else sun_azimuth
    sun = (math.cos(azimuth), math.sin(azimuth))  # towards the sun, along x and y
    floor = rng.uniform(0.02, 0.22)  # light thrown into shadows by the sides of the clouds around
    beam = direct = lit = torch.ones(size, size, device=rng.device)
    if ground.slope is not None:
        lit = terrain_illumination(ground.slope, cos_sun, sun)
    if layers:
        beam, direct = sunlight_below(layers, cos_sun, sun, pixel_m)
        direct = floor + (1 - floor) * direct
    radius_ice, radius_water = rng.uniform(15e-6, 34e-6), rng.uniform(3e-6, 10e-6)
    saturation_tau = rng.uniform(20, 60)
    slab_factor = rng.uniform(0.55, 1.0)
    vapour_growth, vapour_within = rng.uniform(0.5, 0.9), rng.uniform(0, 1.2)
    brightness = [self_shading(rng, q, cos_sun, sun) * (1 if q.ice else slab_factor) for q in layers]

    path, gas, down, up, albedo, direct_down = (
        rng.tensor(v)[:, None, None] for v in (air.path, air.gas, air.down, air.up, air.albedo, air.direct_down())
    )
    diffuse = (down - direct_down) * ((0.55 + 0.45 * direct) * (0.6 + 0.4 * lit).clamp(0.4, 1.2))
    reaching = direct_down * (lit * direct) + diffuse
    toa = path * (0.8 + 0.2 * direct) + gas * up * reaching * ground.rho / (1 - albedo * ground.rho)
    over = Air(path, gas, down * up, albedo)
    for layer, bright in zip(layers, brightness):
        radius = radius_ice if layer.ice else radius_water
        absorbs = absorption(rng, layer.ice)[:, None, None]
        within = 0.0 if layer.ice else vapour_within
        particles = Particles(absorbs, radius, saturation_tau, vapour_growth, within)
        toa = spread_below(toa, layer, pixel_m)
        toa = see_through(layer.tau, layer.height_m, particles, toa, over, ground.rho, bright, cos_sun)
    tau = sum((q.tau for q in layers), torch.zeros(size, size, device=rng.device))
    return toa, classify(rng, tau, beam, direct)


def classify(rng, tau, beam, direct):
    """True classes. Some scenes get the slightly generous cloud outlines of human interpreters."""
    thin, thick = tau > THIN_TAU, tau > THICK_TAU
    shadow = (beam < 0.5) & (direct < 0.75)
    if rng.random() < 0.7:
        thick = thick | close_gaps(thick)
        thin = thin | close_gaps(thin)
        if rng.random() < 0.35:
            thick = grow(thick)
    label = torch.full(tau.shape, CLEAR, dtype=torch.uint8, device=tau.device)
    label[thin] = THIN
    label[shadow & (tau < VEIL_TAU)] = SHADOW
    label[thick] = THICK
    return label


def block_mean(x, k):
    """Means of k x k pixels of the last two dimensions."""
    n = x.shape[-1] // k
    return x.reshape(*x.shape[:-2], n, k, n, k).mean((-3, -1))


def sense_band(rng, x, k, gain, noise=(0.006, 0.0012)):
    """One band at its native resolution, k x k pixels of x, with calibration error and noise, in steps of 1/10000.

    noise: relative and absolute; the default is about twice that of the instrument.
    """
    x = block_mean(x, k)
    x = x * (gain * (1 + noise[0] * rng.normal_field(*x.shape))) + noise[1] * rng.normal_field(*x.shape)
    return (torch.round(x * 1e4) / 1e4).clamp(0.0001, 2.0)


def repeat(x, k):
    return x.repeat_interleave(k, -2).repeat_interleave(k, -1)


def sense(rng, toa, pixel_m):
    """Bands as the sensor gives them, repeated on the working grid where theirs is coarser.

    Sizes are multiples of the coarsest factor, 60 m over pixel_m.
    """
    out = torch.empty_like(toa)
    for band, (resolution, error) in enumerate(zip(RESOLUTION_M, rng.normal(0, 0.012, 13))):
        k = max(1, int(resolution // pixel_m))
        out[band] = repeat(sense_band(rng, toa[band], k, 1 + float(error)), k)
    return out


def random_scene(rng, size, spectra, atmospheres):
    """A random scene of `size` pixels (a multiple of 6)."""
    pixel_m = float(rng.choice([10, 20], p=[0.75, 0.25]))
    field_size = size + 2 * MARGIN
    ground = random_ground(rng, field_size, spectra)
    layers, regime = random_layers(rng, field_size)
    air = atmospheres.draw(rng)
    toa, label = compose(rng, ground, layers, air, pixel_m)
    inner = (..., slice(MARGIN, MARGIN + size), slice(MARGIN, MARGIN + size))
    return Scene(
        toa=sense(rng, toa[inner], pixel_m),
        rho=ground.rho[inner],
        label=label[inner],
        info={"ground": ground.kind, "clouds": regime, "pixel_m": pixel_m, "sun_zenith": air.sun_zenith},
    )
