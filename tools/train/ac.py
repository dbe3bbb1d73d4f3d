# SPDX-License-Identifier: Apache-2.0
"""Trains the pixel-wise atmospheric correction on simulated pairs.

    python3 tools/train/ac.py --out ac.pt       writes ac.pt and ac_linear.pt and, with --bands all, ac_NAME.pt

corrected = toa[corrected bands] - W2 relu(W1 toa + b1) - b2 with 13 -> 52 -> 12 channels, or 7, 4, 4 bands in and out.
Pairs are mixed spectra of our library, of which each varies smoothly over the wavelengths, seen through atmospheres of
the emulator (emulator.py), with --cirrus some also below cirrus where B10 is there to tell; the answer is always the
surface. "linear" is the least-squares solution, W toa + b. On scenes of the simulator, half of them clouds that hide
their surface, the net is asked to stay near it (--stay): where no pair tells it, it may say anything otherwise. Tests
are on our 6SV runs themselves: every atmosphere is predicted by nets and emulators that never saw it. Checkpoints hold
"state_dict" with the names (model.)cnn_layers.*; OUT with .json beside it says how it was made and its cross-validated
error per band.
"""
import argparse
import copy
import itertools
import json
import os
import time

import numpy as np
import torch
from torch import nn

from atmosphere import BANDS, WAVELENGTH_UM, AtmosphereTable, load_spectra
from emulator import COLUMNS, STANDARD, Emulator, aerosol
from emulator import toa as seen_through
from fields import Draws
from ground import Spectra
from metrics import source_commit
from simulate import Air, Particles, absorption, cloud_reflectance, random_scene, see_through

NAMES = {
    "s2": BANDS,
    "phisat2": ["B02", "B03", "B04", "B05", "B06", "B07", "B08"],
    "planetscope": ["B02", "B03", "B04", "B08"],
    "probav": ["B02", "B04", "B08", "B11"],
}
INPUTS = {name: [BANDS.index(b) for b in bands] for name, bands in NAMES.items()}
OUTPUTS = {name: [i for i in at if BANDS[i] != "B10"] for name, at in INPUTS.items()}
KEEP = OUTPUTS["s2"]
CIRRUS_MEAN = 0.25  # optical thickness
VARIATION, CORRELATION = 0.08, 0.25  # of surfaces: relative, and over so much of ln(wavelength)
SHARES = {"soil": 0.26, "veg": 0.36, "water": 0.12, "snow": 0.07, "urban": 0.13, "burn": 0.06}


def surfaces(rng, count, spectra):
    """Mixtures of one to three spectra under varying illumination by slopes, (count, 13)."""
    kinds = list(SHARES)
    share = np.array([SHARES[k] for k in kinds])
    parts = rng.choice([1, 2, 3], count, p=[0.35, 0.45, 0.2])
    weight = rng.dirichlet([0.8] * 3, count).astype(np.float32)
    weight = np.where(np.arange(3) < parts[:, None], weight, 0)
    weight /= weight.sum(1, keepdims=True)
    first = rng.choice(len(kinds), count, p=share / share.sum())
    rho = np.zeros((count, 13), np.float32)
    for part in range(3):
        chosen = first if part == 0 else rng.choice(len(kinds), count, p=share / share.sum())
        if part > 0:  # water mixes less with other surfaces than they do with each other
            stays = (first == kinds.index("water")) & (rng.random(count) < 0.7)
            chosen = np.where(stays, kinds.index("water"), chosen)
        for k, kind in enumerate(kinds):
            at = np.flatnonzero(chosen == k)
            rho[at] += weight[at, part : part + 1] * spectra[kind][rng.integers(len(spectra[kind]), size=len(at))]
    rho *= np.clip(rng.normal(1, 0.12, (count, 1)), 0.5, 1.5).astype(np.float32)
    return np.clip(rho * (1 + rng.normal(0, 0.02, (count, 13))), 0, 1.2).astype(np.float32)


def varied(rng, rho):
    """rho (count, 13) times smooth functions of the logarithm of the wavelength, as real surfaces differ from those of a
    library: canopies whose near infrared slopes, say, where modelled leaves keep a plateau."""
    x = np.log(WAVELENGTH_UM)
    covariance = VARIATION**2 * np.exp(-0.5 * ((x[:, None] - x) / CORRELATION) ** 2) + 1e-8 * np.eye(len(x))
    smooth = rng.normal(size=rho.shape) @ np.linalg.cholesky(covariance).T
    return np.clip(rho * np.exp(smooth), 0, 1.2).astype(np.float32)


def acquired_zeniths(rng, count):
    """Of the sun in Sentinel-2 acquisitions over land [deg]: 20, 35 and 64 at 5, 50 and 95 %."""
    return np.clip(15 + rng.gamma(2.6, 8.6, count), 15, 75)


def random_states(rng, count):
    """States of the air as satellites meet them over land, and their aerosol, as the emulator takes them.

    Median aerosol optical thickness 0.13, one in twenty above 0.45. A third of the aerosols lie between the standard
    models.
    """
    states = np.zeros((count, 12))
    states[:, 0] = acquired_zeniths(rng, count)
    states[:, 1] = rng.uniform(0.2, 11.5, count)
    states[:, 2] = rng.uniform(0, 180, count)
    states[:, 3] = np.clip(np.exp(rng.normal(np.log(1.4), 0.65, count)), 0.3, 5.5)
    states[:, 4] = np.clip(rng.normal(0.31, 0.045, count), 0.22, 0.42)
    states[:, 5] = np.clip(np.exp(rng.normal(np.log(0.13), 0.75, count)), 0.01, 1.2)
    states[:, 6] = np.clip(rng.exponential(0.5, count) - 0.1, 0, 2.5)
    states[:, 7] = rng.choice([1, 2, 3, 4, 5, 6], count, p=[0.33, 0.14, 0.07, 0.32, 0.06, 0.08])
    between = rng.dirichlet([0.9, 0.5, 0.6], count) @ np.array([STANDARD[m] for m in (1, 2, 3)])
    states[:, 8:12] = np.where(states[:, 7:8] == 4, between, 0)
    return states, aerosol(states)


def sensed(rng, toa):
    """With noise and in steps of 1/10000."""
    toa = toa * (1 + rng.normal(0, 0.004, toa.shape)) + rng.normal(0, 0.0008, toa.shape)
    return (np.round(np.clip(toa, 1e-4, 2) * 1e4) / 1e4).astype(np.float32)


def below_cirrus(rng, toa, terms, rho, cos_sun, tau):
    """`toa` (n, 13) once more, below cirrus of optical thickness tau (n,), by the simulator's formula.

    Cirrus alone: B10 tells it from everything else, while a low thin cloud looks like a brighter surface.
    """
    draws = Draws(int(rng.integers(2**62)))
    of_pixel = [rng.uniform(low, high, len(toa)) for low, high in ((15e-6, 34e-6), (20, 45), (0.5, 0.9), (7e3, 12.5e3))]
    radius, saturation, growth, height = (draws.tensor(v) for v in of_pixel)
    path, gas, down, up, albedo = (draws.tensor(terms[..., i].T) for i in range(5))
    air = Air(path, gas, down * up, albedo)
    below, ground, tau, cos_sun = (draws.tensor(v) for v in (toa.T, rho.T, tau, cos_sun))
    below = path + (below - path) * (1 - cloud_reflectance(tau, cos_sun))
    particles = Particles(absorption(draws, ice=True)[:, None], radius, saturation, growth, 0.0)
    return see_through(tau, height, particles, below, air, ground, 1.0, cos_sun).numpy().T


def simulated_pairs(rng, count, emulator, spectra, cirrus=0.0, per_air=50):
    """(toa (count, 13), surface (count, 12), cirrus (count,)) under count / per_air atmospheres of the emulator; the
    optical thickness of cirrus is 0 but over that share of the pixels."""
    states, kinds = random_states(rng, count // per_air)
    terms = emulator.terms(states, kinds).astype(np.float32)
    toa, rho = np.empty((count, 13), np.float32), varied(rng, surfaces(rng, count, spectra))
    order = rng.permutation(count) % len(terms)
    cos_sun = np.cos(np.radians(states[order, 0]))
    tau = np.where(rng.random(count) < cirrus, np.minimum(rng.exponential(CIRRUS_MEAN, count), 2), 0)
    for rows in np.array_split(np.arange(count), max(1, count // 100_000)):
        toa[rows] = seen_through(terms[order[rows]], rho[rows])
        veiled = rows[tau[rows] > 0]
        toa[veiled] = below_cirrus(rng, toa[veiled], terms[order[veiled]], rho[veiled], cos_sun[veiled], tau[veiled])
        toa[rows] = sensed(rng, toa[rows])
    return toa, rho[:, KEEP], tau


def table_pairs(rng, count, table, rows, spectra):
    """(toa (count, 13), the same below cirrus, surface (count, 12), atmosphere (count,)) under the 6SV runs `rows`."""
    rho = surfaces(rng, count, spectra)
    chance = table.chances(rng, 4000)[rows]
    index = rng.choice(rows, count, p=chance / chance.sum())
    terms = table.optics[index][..., COLUMNS]
    toa = seen_through(terms, rho)
    cos_sun, tau = np.cos(np.radians(table.states[index, 0])), rng.uniform(0.05, 0.6, count)
    below = sensed(rng, below_cirrus(rng, toa, terms, rho, cos_sun, tau))
    return sensed(rng, toa), below, rho[:, KEEP], index


class Corrector(nn.Module):
    def __init__(self, bands=13, outputs=12):
        super().__init__()
        self.model = nn.Module()
        first, last = nn.Conv2d(bands, 4 * bands, 1), nn.Conv2d(4 * bands, outputs, 1)
        self.model.cnn_layers = nn.Sequential(first, nn.ReLU(), last)


def predict(net, x, name):
    """(pixels, 13) -> (pixels, outputs of the band set), as matrix products."""
    first, _, last = net.model.cnn_layers
    hidden = torch.relu(x[:, INPUTS[name]] @ first.weight[:, :, 0, 0].T + first.bias)
    return x[:, OUTPUTS[name]] - hidden @ last.weight[:, :, 0, 0].T - last.bias


def solve_linear(toa, surface, name):
    """(bands + 1, outputs): the least-squares solution, the constant last."""
    at = [KEEP.index(i) for i in OUTPUTS[name]]
    design = np.c_[toa[:, INPUTS[name]], np.ones(len(toa))].astype(np.float64)
    return np.linalg.lstsq(design, surface[:, at].astype(np.float64), rcond=None)[0]


def predict_linear(solution, toa, name):
    return np.c_[toa[:, INPUTS[name]], np.ones(len(toa))] @ solution


def fit(net, toa, surface, scenes, linear, name, args):
    """Least squares on the pairs and, weighed by --stay, of the distance to the linear solution on pixels of scenes."""
    at = [KEEP.index(i) for i in OUTPUTS[name]]
    x, y = torch.from_numpy(toa), torch.from_numpy(np.ascontiguousarray(surface[:, at]))
    seen = torch.from_numpy(scenes)
    near = torch.from_numpy(predict_linear(linear, scenes, name).astype(np.float32))
    optimiser = torch.optim.Adam(net.parameters(), lr=args.rate)
    each = max(1, len(x) // args.batch)  # steps of an epoch
    steps = args.epochs * each if args.steps is None else args.steps
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, args.rate, total_steps=steps, pct_start=0.1)
    for first in range(0, steps, each):
        order, total = torch.randperm(len(x)), 0.0
        for k in range(min(each, steps - first)):
            rows = order[k * args.batch : (k + 1) * args.batch]
            error = ((predict(net, x[rows], name) - y[rows]) ** 2).mean()
            some = torch.randint(len(seen), (args.batch // 4,))
            loss = error + args.stay * ((predict(net, seen[some], name) - near[some]) ** 2).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += error.item()
    print(f"{name} rmse in training {np.sqrt(total / (k + 1)):.5f}", flush=True)


def scene_pixels(seed, table, rows, count):
    """(pixels, 13) of that many simulated scenes, clouds and shadows included, under atmospheres of `rows`."""
    air = copy.copy(table)
    air.states, air.optics = table.states[rows], table.optics[rows]
    spectra = Spectra("train", "cpu")
    scenes = [random_scene(Draws([seed, 2, i]), 192, spectra, air).toa.reshape(13, -1).T for i in range(count)]
    return torch.cat(scenes).numpy()


def by_band(values, name):
    bands = {BANDS[i]: round(float(v), 5) for i, v in zip(OUTPUTS[name], values)}
    return {**bands, "mean": round(float(np.mean(values)), 5)}


def train(seed, table, rows, names, pixels, args):
    """Nets of the band sets `names`, their linear least-squares solutions, and what both learnt from in words.

    The atmospheres are those of `rows`.
    """
    emulator = Emulator(table.states[rows], table.optics[rows], args.emulator_steps)
    rng = np.random.default_rng([seed, 0])
    toa, surface, tau = simulated_pairs(rng, pixels, emulator, load_spectra("train"), args.cirrus)
    scenes = scene_pixels(seed, table, rows, args.scenes)
    nets, linear, data = {}, {}, {}
    for name in names:
        clear = slice(None) if "B10" in NAMES[name] else tau == 0  # nothing else tells cirrus from haze
        x, y = toa[clear], surface[clear]
        data[name] = f"{len(x)} simulated pixels, {(tau[clear] > 0).mean():.0%} of them below cirrus"
        torch.manual_seed(seed)
        nets[name] = Corrector(len(INPUTS[name]), len(OUTPUTS[name]))
        linear[name] = solve_linear(x[::8], y[::8], name)
        fit(nets[name], x, y, scenes, linear[name], name, args)
    return nets, linear, data


class Errors:
    """Squared errors of one method, pooled and by atmosphere."""

    def __init__(self, atmospheres, name):
        self.name = name
        self.square, self.plain = np.zeros((2, atmospheres, len(OUTPUTS[name])))
        self.count = np.zeros(atmospheres)

    def add(self, error, index):
        for band in range(error.shape[1]):
            self.square[:, band] += np.bincount(index, error[:, band] ** 2, len(self.count))
            self.plain[:, band] += np.bincount(index, error[:, band], len(self.count))
        self.count += np.bincount(index, minlength=len(self.count))

    def report(self):
        """RMSE of all pixels; mean and median over atmospheres of each one's RMSE; mean error."""
        seen = self.count > 50
        each = np.sqrt(self.square[seen] / self.count[seen, None])
        return {
            "rmse": by_band(np.sqrt(self.square.sum(0) / self.count.sum()), self.name),
            "mean_rmse_of_atmospheres": by_band(np.average(each, 0, self.count[seen]), self.name),
            "median_rmse_of_atmospheres": by_band(np.median(each, 0), self.name),
            "bias": by_band(self.plain.sum(0) / self.count.sum(), self.name),
        }


def cross_validate(table, names, args):
    """Every atmosphere is predicted by a net that never saw it, on spectra no net saw; once more below cirrus."""
    fold = np.arange(len(table.states)) % args.folds
    methods = ("network", "linear", "no_correction")
    skies = ("", "_below_cirrus")
    errors = {name: {m + sky: Errors(len(fold), name) for sky in skies for m in methods} for name in names}
    for k in range(args.folds):
        print(f"fold {k + 1} of {args.folds}", flush=True)
        nets, linear, _ = train(args.seed + 100 + k, table, np.flatnonzero(fold != k), names, args.fold_pixels, args)
        rng = np.random.default_rng([args.seed, 1, k])
        clear, below, surface, index = table_pairs(rng, 200_000, table, np.flatnonzero(fold == k), load_spectra("test"))
        for name, (sky, toa) in itertools.product(names, zip(skies, (clear, below))):
            truth = surface[:, [KEEP.index(i) for i in OUTPUTS[name]]].astype(np.float64)
            with torch.no_grad():
                corrected = predict(nets[name], torch.from_numpy(toa), name).numpy()
            fitted = predict_linear(linear[name], toa, name)
            for method, guess in zip(methods, (corrected, fitted, toa[:, OUTPUTS[name]])):
                errors[name][method + sky].add(guess - truth, index)
    return {name: {method: e.report() for method, e in errors[name].items()} for name in names}


def linear_state(solution):
    """W toa + b, as a 13 -> 12 convolution."""
    return {
        "cnn_layers.0.weight": torch.from_numpy(solution[:-1].T.astype(np.float32)).reshape(12, 13, 1, 1),
        "cnn_layers.0.bias": torch.from_numpy(solution[-1].astype(np.float32)),
    }


def write(path, state, report):
    torch.save({"state_dict": state}, path + ".tmp")
    os.replace(path + ".tmp", path)
    with open(os.path.splitext(path)[0] + ".json", "w") as f:
        json.dump(report, f, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="checkpoint to write (.pt)")
    parser.add_argument("--bands", choices=[*NAMES, "all"], default="s2", help="all: the four sets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pixels", type=int, default=4_000_000)
    parser.add_argument("--cirrus", type=float, default=0, help="share of pixels below cirrus, for nets that see B10")
    parser.add_argument("--stay", type=float, default=0.15, help="weight of staying near the linear solution on scenes")
    parser.add_argument("--scenes", type=int, default=120, help="of 192 x 192 pixels, to stay near it on")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--steps", type=int, help="of each net, instead of --epochs")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--rate", type=float, default=5e-3)
    parser.add_argument("--emulator-steps", type=int, default=60, help="of fitting the length scales of the emulator")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--fold-pixels", type=int, default=1_000_000, help="for each net of the cross-validation")
    parser.add_argument("--folds", type=int, default=5, help="of the cross-validation; 0: none")
    args = parser.parse_args()
    if args.steps is not None and args.steps < 1:
        parser.error("--steps must be positive")
    if args.pixels < args.batch or (args.folds and args.fold_pixels < args.batch):
        parser.error("--pixels and --fold-pixels are at least --batch")
    if args.scenes < 1:
        parser.error("--scenes must be positive")
    os.makedirs(os.path.dirname(os.path.abspath(args.out)), exist_ok=True)

    torch.set_num_threads(args.threads)
    table = AtmosphereTable("all")
    names = list(NAMES) if args.bands == "all" else [args.bands]
    begin = time.time()
    nets, linear, data = train(args.seed, table, np.arange(len(table.states)), names, args.pixels, args)
    report = {
        "test": f"{args.folds}-fold cross-validation over the 6SV runs, on other spectra: nets and emulators trained "
        f"like this one, with {args.fold_pixels} pixels"
        if args.folds
        else "none",
        "commit": source_commit(),
        "settings": {k: v for k, v in vars(args).items() if k != "out"},
        "seconds_trained": round(time.time() - begin),
    }
    stem = os.path.splitext(args.out)[0]

    def write_all(scores):
        for name in names:
            path = args.out if name == names[0] else f"{stem}_{name}.pt"
            bands = len(INPUTS[name])
            shape = f"{bands} -> {4 * bands} -> {len(OUTPUTS[name])}"
            learnt = f"{data[name]}: own spectra, {args.pixels // 50} atmospheres of an emulator of own 6SV2.1 runs"
            facts = {"training_data": f"{learnt} ({len(table.states)})", **report, "scores": scores.get(name)}
            write(path, nets[name].state_dict(), {"network": f"CNN_corrector {shape}: toa minus output", **facts})
            if name == "s2":
                facts = {"network": "linear 13 -> 12: the output itself", **facts}
                write(f"{stem}_linear.pt", linear_state(linear["s2"]), facts)

    write_all({})
    if args.folds:
        scores = cross_validate(table, names, args)
        write_all(scores)
        print(json.dumps(scores, indent=1))


if __name__ == "__main__":
    main()
