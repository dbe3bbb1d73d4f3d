# SPDX-License-Identifier: Apache-2.0
"""Scores corrections on atmospheres by another code than that they learnt from; development only.

    python3 tools/train/smac.py COEFFICIENTS ac.pt [ac_linear.pt ...]

SMAC (Rahman and Dedieu, Int. J. Remote Sensing 15, 123-143, 1994) approximates 5S; COEFFICIENTS is a folder of the
files Coef_S2A_CONT_B01.dat ... B12.dat and B8A.dat of CESBIO, for Sentinel-2A and continental aerosol, which are not
part of this repository. Aerosol loads are distributed as ac.py's near sea level and thin out with height; sun (lower;
--acquired: as in ac.py), pressure, ozone and water vapour are distributed otherwise; spectra are those that no training
saw, and the sensor is ac.py's. Prints RMSE by band and its mean, without correction too.
"""
import argparse
import os
import sys

import numpy as np

from ac import KEEP, acquired_zeniths, sensed, surfaces
from atmosphere import BANDS, load_spectra
from evaluate_real import correct

STANDARD_PRESSURE = 1013.25  # hPa


def read_coefficients(folder, band):
    path = os.path.join(folder, f"Coef_S2A_CONT_{band}.dat")
    try:
        with open(path) as f:
            lines = [[float(v) for v in line.split()] for line in f if line.strip()]
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")
    except ValueError:
        sys.exit(f"{path}: not a table of numbers")
    if len(lines) < 19:
        sys.exit(f"{path}: {len(lines)} of 19 lines of coefficients")
    return lines


def random_states(rng, count):
    """Zeniths and azimuth [rad], pressure [hPa], aerosol optical thickness at 550 nm, ozone [cm-atm], vapour [g/cm2]."""
    height_km = np.where(rng.random(count) < 0.3, 0, np.minimum(4.5, rng.gamma(1.1, 0.55, count)))
    return {
        "sun": np.arccos(rng.uniform(np.cos(np.radians(72)), np.cos(np.radians(14)), count)),
        "view": np.radians(rng.uniform(0, 11.5, count)),
        "azimuth": np.radians(rng.uniform(0, 180, count)),
        "pressure": STANDARD_PRESSURE * (1 - 0.0065 * height_km * 1000 / 288.15) ** 5.31,
        "aerosol": np.clip(rng.lognormal(np.log(0.13), 0.75, count), 0.01, 1.2) * np.exp(-height_km / 3),
        "ozone": np.clip(rng.normal(0.315, 0.045, count), 0.2, 0.46),
        "vapour": np.maximum(0.05, np.clip(rng.lognormal(np.log(1.6), 0.65, count), 0.15, 6.5) * np.exp(-height_km / 2.2)),
    }


def aerosol_reflectance(c, tau, cos_sun, cos_view, angle):
    """Of a layer with one direction of multiple scattering (the paper's appendix)."""
    albedo, asymmetry = c[11]
    phase = np.polynomial.polynomial.polyval(angle, c[12] + c[13])
    x = (1 - albedo) * 3 * asymmetry
    k2 = (1 - albedo) * (3 - albedo * 3 * asymmetry)
    k = np.sqrt(k2)
    below = 1 - k2 * cos_sun**2
    e, f = -3 * cos_sun**2 * albedo / (4 * below), -x * cos_sun**2 * albedo / (4 * below)
    d, d_slope = e + f, e / (3 * cos_sun) + cos_sun * f
    b = 2 * k / (3 - albedo * 3 * asymmetry)
    up, down = np.exp(k * tau), np.exp(-k * tau)
    both = up * (1 + b) ** 2 - down * (1 - b) ** 2
    scale = albedo / 4 * cos_sun / below / both
    q1 = 2 + 3 * cos_sun + x * cos_sun * (1 + 2 * cos_sun)
    q2 = 2 - 3 * cos_sun - x * cos_sun * (1 - 2 * cos_sun)
    q3 = q2 * np.exp(-tau / cos_sun)
    c1 = scale * (q1 * up * (1 + b) + q3 * (1 - b))
    c2 = -scale * (q1 * down * (1 - b) + q3 * (1 + b))
    slant = albedo * 3 * asymmetry * cos_view
    single = d - slant * d_slope + albedo * phase / 4
    rising = c1 - slant * c1 * k / (3 - albedo * 3 * asymmetry)
    falling = c2 + slant * c2 * k / (3 - albedo * 3 * asymmetry)
    depths = cos_view / (1 + k * cos_view), cos_view / (1 - k * cos_view), cos_sun * cos_view / (cos_sun + cos_view)
    return sum(g * a * (1 - np.exp(-tau / a)) for g, a in zip((rising, falling, single), depths)) / (cos_sun * cos_view)


def seen_through(c, rho, sun, view, azimuth, pressure, aerosol, ozone, vapour):
    """Reflectance at the top of the atmosphere, one band; c: the lines of its file."""
    cos_sun, cos_view = np.cos(sun), np.cos(view)
    mass, pressure = 1 / cos_sun + 1 / cos_view, pressure / STANDARD_PRESSURE
    gas = 1.0
    amounts = [vapour, ozone] + [pressure ** line[2] for line in c[2:7]]
    for line, amount in zip(c, amounts):
        gas = gas * (np.exp(line[0] * (amount * mass) ** line[1]) if line[0] else 1.0)
    spherical = c[7][0] * pressure + c[7][3] + c[7][1] * aerosol + c[7][2] * aerosol**2
    down, up = (
        c[8][0] + c[8][1] * aerosol / mu + (c[8][2] * pressure + c[8][3]) / (1 + mu) for mu in (cos_sun, cos_view)
    )
    cos_scatter = -(cos_sun * cos_view + np.sin(sun) * np.sin(view) * np.cos(azimuth))
    angle = np.degrees(np.arccos(np.clip(cos_scatter, -1, 1)))
    tau = c[10][0] + c[10][1] * aerosol
    per_air = c[9][0] * (0.7190443 * (1 + cos_scatter**2) + 0.0412742) / (cos_sun * cos_view)
    molecules = per_air * pressure / 4
    left_molecules = np.polynomial.polynomial.polyval(per_air, c[16])
    left_aerosol = np.polynomial.polynomial.polyval(tau * mass * cos_scatter, c[17] + c[18])
    left_both = np.polynomial.polynomial.polyval((tau + c[9][0] * pressure) * mass * cos_scatter, c[14] + c[15])
    particles = aerosol_reflectance(c, tau, cos_sun, cos_view, angle)
    path = molecules - left_molecules + particles - left_aerosol + left_both
    return gas * (path + down * up * rho / (1 - spherical * rho))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("coefficients")
    parser.add_argument("checkpoints", nargs="+")
    parser.add_argument("--pixels", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--acquired", action="store_true", help="the sun as high as in Sentinel-2 acquisitions")
    args = parser.parse_args()
    if args.pixels < 1:
        parser.error("--pixels must be positive")
    for path in args.checkpoints:
        if not os.path.exists(path):
            parser.error(f"{path} is not there")
    coefficients = [read_coefficients(args.coefficients, band) for band in BANDS]
    rng = np.random.default_rng(args.seed)
    rho, states = surfaces(rng, args.pixels, load_spectra("test")).astype(np.float64), random_states(rng, args.pixels)
    if args.acquired:
        states["sun"] = np.radians(acquired_zeniths(rng, args.pixels))
    toa = np.stack([seen_through(c, rho[:, i], **states) for i, c in enumerate(coefficients)], 1)
    toa = sensed(rng, toa)
    results = {"no correction": toa[:, KEEP]}
    results |= {path: correct(path, toa.T[:, :, None], KEEP)[:, :, 0].T for path in args.checkpoints}
    print(" " * 24, *(f"{BANDS[i]:>6s}" for i in KEEP), "  mean")
    for name, found in results.items():
        each = np.sqrt(((found - rho[:, KEEP]) ** 2).mean(0))
        print(f"{os.path.basename(name):24s}", *(f"{v:6.4f}" for v in [*each, each.mean()]))


if __name__ == "__main__":
    main()
