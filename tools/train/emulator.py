# SPDX-License-Identifier: Apache-2.0
"""A smooth emulator of our 6SV2.1 runs: radiative transfer terms of atmospheres that were never run.

One Gaussian process per term over geometry, gases, altitude and aerosol, its length scales shared by the bands. Aerosol
enters as its optical thickness and the shares of its components, in which the standard models are points: dust-like,
water-soluble, oceanic and soot, then desert and smoke as kinds of their own.

    python3 tools/train/emulator.py        errors on a fifth of the runs, fitted to the others
"""
import argparse
import time

import numpy as np
import torch

from atmosphere import BANDS, AtmosphereTable

# Volume shares of dust-like, water-soluble, oceanic and soot in the standard models 1, 2, 3 of 6S.
STANDARD = {1: (0.70, 0.29, 0.0, 0.01), 2: (0.0, 0.05, 0.95, 0.0), 3: (0.17, 0.61, 0.0, 0.22)}
COLUMNS = (0, 1, 4, 5, 6)  # of the tables: path, gas, down, up, albedo
FLOOR = 2e-5


def aerosol(states):
    """Shares of the six kinds of aerosol, (n, 6), of rows of the tables."""
    out = np.zeros((len(states), 6))
    model = states[:, 7].round().astype(int)
    for m, shares in STANDARD.items():
        out[model == m, :4] = shares
    out[model == 4, :4] = states[model == 4, 8:12]
    out[model == 5, 4] = out[model == 6, 5] = 1
    return out


def inputs(states, kinds):
    """What the terms are smooth functions of, (n, 16)."""
    sun, view, azimuth = np.radians(states[:, 0]), np.radians(states[:, 1]), np.radians(states[:, 2])
    scatter = -np.cos(sun) * np.cos(view) - np.sin(sun) * np.sin(view) * np.cos(azimuth)
    vapour, ozone, aot, altitude = states[:, 3], states[:, 4], states[:, 5], states[:, 6]
    air_mass = 1 / np.cos(sun) + 1 / np.cos(view)
    return np.c_[
        1 / np.cos(sun), np.cos(sun), 1 / np.cos(view), scatter, np.log(vapour * air_mass), ozone * air_mass,
        np.log(aot), aot, altitude, kinds, aot / np.cos(sun),
    ]


def squash(optics):
    """Terms (n, bands, 5) on a scale where they are smooth and errors are relative."""
    path, gas, down, up, albedo = np.moveaxis(optics, -1, 0)
    depth = [np.log(-np.log(np.clip(t, 1e-12, 1 - FLOOR)) + FLOOR) for t in (gas, down, up)]
    return np.stack([np.log(path + FLOOR), *depth, np.log(albedo + FLOOR)], -1)


def unsquash(terms):
    path, *depth, albedo = np.moveaxis(terms, -1, 0)
    through = [np.exp(-np.maximum(np.exp(np.minimum(d, 6)) - FLOOR, 0)) for d in depth]
    return np.stack([np.maximum(np.exp(path) - FLOOR, 0), *through, np.clip(np.exp(albedo) - FLOOR, 0, 0.9)], -1)


class Emulator:
    def __init__(self, states, optics, steps=60):
        """states, optics: rows of the tables."""
        x = inputs(states, aerosol(states))
        self.mean, self.scale = x.mean(0), x.std(0) + 1e-9
        self.x = torch.from_numpy((x - self.mean) / self.scale)
        y = squash(optics[:, :, COLUMNS]).reshape(len(x), -1)
        self.y_mean, self.y_scale = y.mean(0), y.std(0) + 1e-9
        y = torch.from_numpy((y - self.y_mean) / self.y_scale)
        self.targets = y.reshape(len(x), -1, len(COLUMNS)).permute(2, 0, 1)
        terms = len(COLUMNS)
        self.log_length = torch.full((terms, x.shape[1]), 1.2, dtype=torch.float64, requires_grad=True)
        self.log_linear, self.log_size, self.log_noise = (
            torch.full((terms, 1, 1), value, dtype=torch.float64, requires_grad=True) for value in (0.0, 0.5, -8.0)
        )
        optimiser = torch.optim.Adam([self.log_length, self.log_linear, self.log_size, self.log_noise], lr=0.1)
        bands = self.targets.shape[2]
        for step in range(steps):
            optimiser.zero_grad()
            factor = self.factor()
            fit = 0.5 * (self.targets * torch.cholesky_solve(self.targets, factor)).sum()
            fit = fit + bands * torch.log(torch.diagonal(factor, dim1=1, dim2=2)).sum()
            (fit + 0.005 * bands * ((self.log_length - 1.2) ** 2).sum()).backward()
            optimiser.step()
        with torch.no_grad():
            self.alpha = torch.cholesky_solve(self.targets, self.factor())

    def kernel(self, a):
        """Covariances of rows a with the rows it was fitted to, (terms, len(a), n)."""
        inverse = torch.exp(-self.log_length)[:, None]
        p, q = a[None] * inverse, self.x[None] * inverse
        squared = (p * p).sum(-1)[:, :, None] + (q * q).sum(-1)[:, None] - 2 * p @ q.transpose(1, 2)
        linear = (a @ self.x.T / a.shape[1])[None]
        return torch.exp(self.log_size - 0.5 * squared.clamp(min=0)) + torch.exp(self.log_linear) * (linear + 1)

    def factor(self):
        noise = torch.exp(self.log_noise) + 1e-6
        return torch.linalg.cholesky(self.kernel(self.x) + noise * torch.eye(len(self.x), dtype=torch.float64))

    def terms(self, states, kinds):
        """(n, 13, 5): path, gas, down, up, albedo, for states as in the tables (their aerosol columns are not read)."""
        a = torch.from_numpy((inputs(states, kinds) - self.mean) / self.scale)
        with torch.no_grad():
            out = torch.cat([self.kernel(rows) @ self.alpha for rows in a.split(2000)], 1)
        y = out.permute(1, 2, 0).reshape(len(a), -1).numpy() * self.y_scale + self.y_mean
        return unsquash(y.reshape(len(a), -1, len(COLUMNS)))


def toa(terms, rho):
    path, gas, down, up, albedo = np.moveaxis(terms, -1, 0)
    return path + gas * down * up * rho / (1 - albedo * rho)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = AtmosphereTable("all")
    fold = np.arange(len(table.states)) % 5
    begin = time.time()
    test = fold == 0
    emulator = Emulator(table.states[~test], table.optics[~test], args.steps)
    guess = emulator.terms(table.states[test], aerosol(table.states[test]))
    print(f"fitted in {time.time() - begin:.0f} s; error of the reflectance seen over two surfaces, median and 95 %")
    for rho in (0.05, 0.3):
        truth = toa(table.optics[test][:, :, COLUMNS], rho)
        off = np.abs(toa(guess, rho) - truth)
        for i, band in enumerate(BANDS):
            median, most = np.quantile(off[:, i], (0.5, 0.95))
            print(f"{rho} {band} {median:.5f} {most:.5f} of {np.median(truth[:, i]):.4f}")


if __name__ == "__main__":
    main()
