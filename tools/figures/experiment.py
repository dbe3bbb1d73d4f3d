# SPDX-License-Identifier: Apache-2.0
"""Runs and scores behind the figures: scenes with a known answer, dtacs run, dtacs eval."""
import glob
import hashlib
import json
import os
import subprocess
import sys

import numpy as np

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ALL = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"]
SUBSETS = {
    "phisat2": ["B02", "B03", "B04", "B05", "B06", "B07", "B08"],
    "planetscope": ["B02", "B03", "B04", "B08"],
    "probav": ["B02", "B04", "B08", "B11"],
}


class Scene:
    """A folder with one product (*.SAFE) and truth/ beside it."""

    def __init__(self, folder):
        products = glob.glob(os.path.join(folder, "*.SAFE"))
        if len(products) != 1 or not os.path.isdir(os.path.join(folder, "truth")):
            sys.exit(f"{folder}: expected one *.SAFE and a folder truth")
        self.name = os.path.basename(os.path.normpath(folder))
        self.product, self.truth = products[0], os.path.join(folder, "truth")

    def image(self, band):
        return glob.glob(os.path.join(self.product, "GRANULE", "*", "IMG_DATA", f"*_{band}.jp2"))[0]


def simulate(out, seed, size):
    """A scene made by tools/scene/scene.py, once for each state of the simulator."""
    sys.path.insert(0, os.path.join(ROOT, "tools", "train"))
    from metrics import simulator  # needs PyTorch, which scenes of one's own do without

    maker = os.path.join(ROOT, "tools", "scene", "scene.py")
    digest = hashlib.sha256(simulator().encode())
    for source in sorted(glob.glob(os.path.join(ROOT, "tools", "scene", "*.py"))):
        with open(source, "rb") as f:
            digest.update(f.read())
    folder = os.path.join(out, f"simulated_{seed}_{size}_{digest.hexdigest()[:8]}")
    if not os.path.exists(os.path.join(folder, "truth", "scene.json")):
        subprocess.run(
            [sys.executable, maker, folder, "--seed", str(seed), "--size", str(size)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return Scene(folder)


class Experiment:
    def __init__(self, out, dtacs, scenes, patch):
        self.out, self.dtacs, self.scenes, self.patch = out, dtacs, scenes, patch
        names = [scene.name for scene in scenes]
        for name in names:
            if names.count(name) > 1:
                sys.exit(f"two scenes are called {name}: their results would lie in one folder")

    def folder(self, run, scene):
        return os.path.join(self.out, "runs", run, scene.name)

    def run(self, run, *options):
        """dtacs run on every scene; the seconds a tile of 10,980 x 10,980 pixels of 10 m would take, by area."""
        seconds = []
        for scene in self.scenes:
            folder = self.folder(run, scene)
            subprocess.run([self.dtacs, "run", scene.product, "-o", folder, "--stack", "--quiet", *options], check=True)
            report = json.load(open(os.path.join(folder, "report.json")))
            grid = report["grid"]
            area = grid["width"] * grid["height"] * grid["pixel_size"] ** 2
            seconds.append(report["seconds"]["total"] * 109800**2 / area)
        return float(np.mean(seconds))

    def score(self, run, what):
        """dtacs eval over all scenes."""
        pairs = os.path.join(self.out, "runs", run, f"{what}.txt")
        with open(pairs, "w") as f:
            for scene in self.scenes:
                found = os.path.abspath(self.folder(run, scene))
                truth, product = os.path.abspath(scene.truth), os.path.abspath(scene.product)
                f.write("\t".join([found, truth] if what == "mask" else [found, truth, truth, product]) + "\n")
        scores = pairs.replace(".txt", ".json")
        command = [self.dtacs, "eval", what, "--list", pairs, "--patch", str(self.patch), "--json", scores]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.load(open(scores))
