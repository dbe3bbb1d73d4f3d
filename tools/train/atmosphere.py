# SPDX-License-Identifier: Apache-2.0
"""Atmospheres from our own 6SV2.1 runs (data/sixs_*.npz).

Each file holds P (atmospheres, 12): sun zenith, view zenith, relative azimuth [deg], water vapour [g/cm2], ozone
[cm-atm], aerosol optical thickness at 550 nm, ground altitude [km], aerosol model (and mixing fractions), and
O (atmospheres, 13 bands, 12), of which columns 0, 1, 4..8 are used, named below. A Lambertian surface rho is seen as

    toa = path + gas * down * up * rho / (1 - albedo * rho)
"""
import os
from dataclasses import dataclass

import numpy as np

BANDS = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"]
RESOLUTION_M = [60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20]
WAVELENGTH_UM = np.array([0.443, 0.493, 0.560, 0.665, 0.704, 0.741, 0.783, 0.833, 0.865, 0.945, 1.374, 1.614, 2.202])
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
HELD_OUT = 0.2  # last part of each file: not seen by classifications in training, but by corrections (ac.py)


@dataclass
class Atmosphere:
    """One geometry and state of the air; arrays are (13,) by band."""

    sun_zenith: float  # degrees
    path: np.ndarray  # reflectance of the air alone, seen through its gases
    gas: np.ndarray  # two-way gas transmittance
    down: np.ndarray  # scattering transmittance sun to ground, direct and diffuse
    up: np.ndarray  # ground to sensor
    albedo: np.ndarray  # spherical albedo
    tau_rayleigh: np.ndarray
    tau_aerosol: np.ndarray

    def toa(self, rho):
        return self.path + self.gas * self.down * self.up * rho / (1 - self.albedo * rho)

    def surface(self, toa):
        """The surface reflectance that `toa` was seen from: the inverse of toa()."""
        y = (toa - self.path) / (self.gas * self.down * self.up)
        return y / (1 + self.albedo * y)

    def direct_down(self):
        """The part of `down` that casts shadows; forward-scattered aerosol light (40 %) counts as direct."""
        cos_sun = np.cos(np.radians(self.sun_zenith))
        return np.minimum(self.down, np.exp(-(self.tau_rayleigh + 0.6 * self.tau_aerosol) / cos_sun))


class AtmosphereTable:
    """The atmospheres of one split: `train`, `test` or `all`."""

    def __init__(self, split, data=DATA):
        states, optics = [], []
        for name in ("sixs_a.npz", "sixs_b.npz"):
            with np.load(os.path.join(data, name)) as z:
                cut = int(len(z["P"]) * (1 - HELD_OUT))
                part = {"train": slice(None, cut), "test": slice(cut, None), "all": slice(None)}[split]
                states.append(z["P"][part])
                optics.append(z["O"][part])
        self.states = np.concatenate(states)
        self.optics = np.concatenate(optics)

    def row(self, i):
        o = self.optics[i]
        return Atmosphere(float(self.states[i, 0]), o[:, 0], o[:, 1], o[:, 4], o[:, 5], o[:, 6], o[:, 7], o[:, 8])

    def chances(self, rng, wishes=1):
        """Probability of each row, such that sun zeniths follow those of Sentinel-2 acquisitions over land (median
        near 35 degrees): the rows near the zeniths of `wishes` draws, averaged."""
        wanted = np.clip(15 + rng.gamma(2.6, 8.6, (wishes, 1)), 15, 75)
        weight = np.exp(-0.5 * ((self.states[None, :, 0] - wanted) / 3.0) ** 2) + 1e-9
        return (weight / weight.sum(1, keepdims=True)).mean(0)

    def draw(self, rng):
        p = self.chances(rng)
        return self.row(rng.choice(len(p), p=p))


def load_spectra(split, data=DATA):
    """Surface reflectance spectra convolved to the 13 bands: {kind: (n, 13) float32}.

    Kinds: soil, veg (leaf and canopy models over the soils), water, snow, urban, burn. The splits have other seeds.
    """
    with np.load(os.path.join(data, f"surf_{split}.npz")) as z:
        return {kind: z[kind] for kind in z.files}
