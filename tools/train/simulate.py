# SPDX-License-Identifier: Apache-2.0
"""Composes ground, clouds and air into what Sentinel-2 would see, with its true classes.

Radiative transfer is single-column and approximate: 6SV terms for the air, a two-stream formula for clouds, shadows
from the sun's direction and the height of each cloud layer. Classes: 0 clear, 1 thick cloud, 2 thin cloud, 3 shadow.
"""
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from atmosphere import BANDS, RESOLUTION_M, WAVELENGTH_UM
from clouds import random_layers
from fields import blur_wide, power_noise, shift_periodic
from ground import random_ground

MARGIN = 32  # simulated around the image and cut off
CLEAR, THICK, THIN, SHADOW = 0, 1, 2, 3
CLASS_NAMES = ["clear", "thick cloud", "thin cloud", "cloud shadow"]
THIN_TAU = 0.28  # below, a cloud is not labelled
THICK_TAU = 2.5  # above, the ground is not labelled through it
VEIL_TAU = 0.7  # a shadow below less cloud than this is labelled as shadow
BEAM = 0.5  # of the extinction by cloud particles; the rest is scattered so narrowly forward that it stays in the beam
ASYMMETRY = 0.15  # 1 - g of cloud particles

# Imaginary refractive index of ice and water at the band centres.
INDEX_ICE = np.array(
    [7e-11, 3.5e-10, 2.8e-9, 1.65e-8, 3.5e-8, 6e-8, 1.1e-7, 1.8e-7, 2.3e-7, 7e-7, 1.6e-5, 2.8e-4, 3e-4]
)
INDEX_WATER = np.array(
    [9e-10, 9.5e-10, 2e-9, 2.2e-8, 3.9e-8, 1.4e-7, 1.4e-7, 3e-7, 3.4e-7, 2.7e-6, 1.5e-4, 9e-5, 2.9e-4]
)
B09, B10 = BANDS.index("B09"), BANDS.index("B10")


@dataclass
class Scene:
    toa: np.ndarray  # (size, size, 13) float32, as resampled to the working grid by nearest neighbour
    rho: np.ndarray  # (size, size, 13) float32: surface reflectance
    label: np.ndarray  # (size, size) uint8
    info: dict = field(default_factory=dict)


def cloud_reflectance(tau, cos_sun):
    """Two-stream reflectance of a layer without absorption."""
    x = 0.75 * ASYMMETRY * tau / np.maximum(cos_sun, 0.2) ** 0.35
    return x / (1 + x)


def sunlight_below(layers, cos_sun, sun, pixel_m):
    """What reaches the ground through all layers: (the beam, beam and light scattered by clouds), (size, size) each.

    What a cloud neither lets straight through nor reflects leaves its base in all directions and reaches the ground
    around the shadow's place, as far away as the cloud is high: an isolated cumulus casts a dark shadow, a broken deck
    a bright one, and below a closed deck it is as light as 1 - reflectance says.
    """
    beam = total = 1.0
    tan_sun = np.sqrt(1 - cos_sun**2) / cos_sun
    for layer in layers:
        height = layer.height_m / pixel_m
        tau = shift_periodic(layer.tau, -sun[1] * height * tan_sun, -sun[0] * height * tan_sun)
        # The sun's disc and scattering at the edge blur a shadow in proportion to the cloud's height.
        slant = ndimage.gaussian_filter(tau, max(0.3, height * 0.0045 / cos_sun), mode="wrap") / cos_sun
        straight = np.exp(-BEAM * slant)
        scattered = np.maximum(1 - cloud_reflectance(tau, cos_sun) - straight, 0)
        beam = beam * straight
        total = total * (straight + blur_wide(scattered, [(0.4, 0.2 * height), (0.6, 0.8 * height)]))
    return beam, total


def self_shading(rng, layer, cos_sun, sun):
    """Brightness of cloud tops: their sunlit sides are brighter, and real clouds darker than slabs."""
    if layer.ice:
        return 1.0
    gy, gx = np.gradient(ndimage.gaussian_filter(np.log1p(layer.tau), 1.2, mode="wrap"))
    tan_sun = np.sqrt(1 - cos_sun**2) / cos_sun
    side = np.clip(1 - (gx * sun[0] + gy * sun[1]) * tan_sun * rng.uniform(0.2, 1.6), 0.35, 1.5)
    return side * np.clip(1 + 0.08 * power_noise(rng, layer.tau.shape[0], 1.5), 0.6, 1.3)


def terrain_illumination(slope, cos_sun, sun):
    """cos(incidence) / cos(sun zenith), 1 on flat ground."""
    if slope is None:
        return 1.0
    gx, gy = slope
    tan_sun = np.sqrt(1 - cos_sun**2) / cos_sun
    lit = (1 - (gx * sun[0] + gy * sun[1]) * tan_sun * 0.5) / np.sqrt(1 + gx * gx + gy * gy)
    return np.clip(lit, 0, 1.6)


def gas_above(layer, band, air, vapour_growth):
    """Two-way gas transmittance of the air above a cloud layer.

    Water vapour thins out with a scale height of 2.2 km. At 0.94 um its absorption grows between the square root of
    the amount and linearly. B10 sits on far stronger lines: only what lies above some 4 km is seen, and the little
    light that a band model lets through from the ground comes from the band's wings.
    """
    left = np.exp(-layer.height_m / 2200)
    if band == B09:
        return air.gas[band] ** (left**vapour_growth)
    if band == B10:
        vapour = np.log(air.gas[B09]) ** 2
        return 0.002 + 0.998 * np.exp(-6 * vapour * left**0.9)
    return air.gas[band] ** 0.6


def see_through(
    layer, band, below, air, rho, absorption, radius_m, saturation_tau, vapour_growth, brightness, cos_sun
):
    """Adds one cloud layer over the reflectance `below`."""
    reflect = cloud_reflectance(layer.tau, cos_sun)
    depth = 0.85 * 4 * np.pi * absorption[band] / (WAVELENGTH_UM[band] * 1e-6) * radius_m  # per scattering
    fill = 1 - np.exp(-layer.tau / saturation_tau)  # thin layers scatter too few times to absorb
    dark = reflect * np.exp(-4 * np.sqrt(depth / (3 * ASYMMETRY)) * fill)
    transmit = (1 - reflect) * np.exp(-0.5 * depth * layer.tau / 0.3)
    transmit = transmit + 0.12 * (1 - transmit) * np.exp(-layer.tau / 12)
    gas = gas_above(layer, band, air, vapour_growth)
    path = air.path[band]
    ground = (below - path) * transmit / (1 - 0.6 * np.clip(rho, 0, 1) * dark)
    air_light = path * (1 - reflect) + path * np.exp(-layer.height_m / 8000) * reflect
    return ground + air_light + gas * dark * 0.97 * brightness


def compose(rng, ground, layers, air, pixel_m, sun_azimuth=None):
    """Noise-free TOA reflectance (size, size, 13), labels, and the share of direct light, for the whole field."""
    size = ground.rho.shape[0]
    cos_sun = np.cos(np.radians(air.sun_zenith))
    azimuth = rng.uniform(0, 2 * np.pi) if sun_azimuth is None else sun_azimuth
    sun = np.array([np.cos(azimuth), np.sin(azimuth)])  # towards the sun, along x and y
    lit = terrain_illumination(ground.slope, cos_sun, sun)
    floor = rng.uniform(0.02, 0.22)  # light thrown into shadows by the sides of the clouds around
    beam = direct = np.ones((size, size))
    if layers:
        beam, direct = sunlight_below(layers, cos_sun, sun, pixel_m)
        direct = floor + (1 - floor) * direct
    radius_ice, radius_water = rng.uniform(15e-6, 34e-6), rng.uniform(3e-6, 10e-6)
    saturation_tau = rng.uniform(20, 45)
    slab_factor = rng.uniform(0.55, 1.0)
    vapour_growth = rng.uniform(0.5, 0.9)
    brightness = [self_shading(rng, q, cos_sun, sun) * (1 if q.ice else slab_factor) for q in layers]

    toa = np.empty((size, size, 13), np.float32)
    direct_down = air.direct_down()
    for band in range(13):
        rho = ground.rho[..., band]
        diffuse = (air.down[band] - direct_down[band]) * (0.55 + 0.45 * direct) * np.clip(0.6 + 0.4 * lit, 0.4, 1.2)
        down = direct_down[band] * lit * direct + diffuse
        x = air.path[band] * (0.8 + 0.2 * direct)
        x = x + air.gas[band] * air.up[band] * down * rho / (1 - air.albedo[band] * rho)
        for layer, bright in zip(layers, brightness):
            absorption, radius = (INDEX_ICE, radius_ice) if layer.ice else (INDEX_WATER, radius_water)
            x = see_through(
                layer, band, x, air, rho, absorption, radius, saturation_tau, vapour_growth, bright, cos_sun
            )
        toa[..., band] = x
    tau = sum((q.tau for q in layers), np.zeros((size, size), np.float32))
    return toa, classify(rng, tau, beam, direct), direct


def classify(rng, tau, beam, direct):
    """True classes. Some scenes get the slightly generous cloud outlines of human interpreters."""
    thin, thick = tau > THIN_TAU, tau > THICK_TAU
    shadow = (beam < 0.5) & (direct < 0.75)
    if rng.random() < 0.7:
        thick |= ndimage.binary_closing(thick)
        thin |= ndimage.binary_closing(thin)
        if rng.random() < 0.35:
            thick = ndimage.binary_dilation(thick)
    label = np.full(tau.shape, CLEAR, np.uint8)
    label[thin] = THIN
    label[shadow & (tau < VEIL_TAU)] = SHADOW
    label[thick] = THICK
    return label


def block_mean(x, k):
    n = x.shape[0] // k
    return x.reshape(n, k, n, k).mean((1, 3), dtype=np.float64).astype(np.float32)


def sense_band(rng, x, k, gain, noise=(0.006, 0.0012)):
    """One band at its native resolution, k x k pixels of x, with calibration error and noise, in steps of 1/10000.

    noise: relative and absolute; the default is about twice that of the instrument.
    """
    x = block_mean(x, k) if k > 1 else x
    x = x * gain * (1 + rng.normal(0, noise[0], x.shape)) + rng.normal(0, noise[1], x.shape)
    return np.clip(np.round(x * 1e4) / 1e4, 0.0001, 2.0).astype(np.float32)


def sense(rng, toa, pixel_m):
    """Bands as the sensor gives them, repeated on the working grid where theirs is coarser.

    Sizes are multiples of the coarsest factor, 60 m over pixel_m.
    """
    out = np.empty_like(toa)
    gain = 1 + rng.normal(0, 0.012, 13)
    for band, resolution in enumerate(RESOLUTION_M):
        k = max(1, int(resolution // pixel_m))
        x = sense_band(rng, toa[..., band], k, gain[band])
        out[..., band] = np.repeat(np.repeat(x, k, 0), k, 1)
    return out


def random_scene(rng, size, spectra, atmospheres):
    """A random scene of `size` pixels (a multiple of 6)."""
    pixel_m = float(rng.choice([10, 20], p=[0.75, 0.25]))
    field_size = size + 2 * MARGIN
    ground = random_ground(rng, field_size, spectra)
    layers, regime = random_layers(rng, field_size)
    air = atmospheres.draw(rng)
    toa, label, _ = compose(rng, ground, layers, air, pixel_m)
    inner = slice(MARGIN, MARGIN + size)
    return Scene(
        toa=sense(rng, toa[inner, inner], pixel_m),
        rho=ground.rho[inner, inner],
        label=label[inner, inner],
        info={"ground": ground.kind, "clouds": regime, "pixel_m": pixel_m, "sun_zenith": air.sun_zenith},
    )
