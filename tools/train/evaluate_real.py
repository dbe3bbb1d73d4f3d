# SPDX-License-Identifier: Apache-2.0
"""Scores checkpoints on the few real scenes at hand; development only. Nothing is trained on them; which of several
ways of training is kept was decided with these scores at hand, so they are no independent test of it.

    python3 tools/train/evaluate_real.py DATA --sc sc.pt [sc_before.pt ...] --ac ac.pt [...] [--json FILE]

DATA is a folder of real scenes, which are not part of this repository; what is absent is skipped and named. Correction:
distance to iCOR's surface reflectance, and to the published networks' outputs on the same pixels (in DATA too; compared
with, never learnt from). ac.pt stands for its band sets: ac_planetscope.pt lies beside it. Classification: agreement
with s2cloudless on five scenes, clouds called in clear ones, and shares of classes where there is no truth. --sc6 takes
a net of B02,B03,B04,B08,B11,B12 and scores it on labelled Landsat scenes, whose bands are alike (Debian: python3-pil).
"""
import argparse
import json
import os
import sys

import numpy as np
import torch

from atmosphere import BANDS
from metrics import confusion, scores
from simulate import CLASS_NAMES
from unet import Unet

NO_B10 = [i for i, band in enumerate(BANDS) if band != "B10"]
PLANETSCOPE = ["B02", "B03", "B04", "B08"]
# Sen2Cor takes the air for less transparent in these bands than 6SV does; the published networks learnt from it.
SEN2COR_SWIR = {"B11": 0.955, "B12": 0.925}


def load_state(path):
    """Tensors of a checkpoint under their plain names; published ones hold pickled options beside them."""
    state = torch.load(path, map_location="cpu")["state_dict"]
    return {k[len("model.") :] if k.startswith("model.") else k: v for k, v in state.items()}


def correct(path, x, kept):
    """Applies a corrector or linear checkpoint to (bands, h, w); kept: the input bands its outputs correspond to."""
    state = load_state(path)
    flat = torch.from_numpy(x.reshape(len(x), -1).astype(np.float32))
    first = state["cnn_layers.0.weight"][:, :, 0, 0] @ flat + state["cnn_layers.0.bias"][:, None]
    if "cnn_layers.2.weight" in state:
        last = state["cnn_layers.2.weight"][:, :, 0, 0] @ torch.relu(first) + state["cnn_layers.2.bias"][:, None]
        first = flat[kept] - last
    return first.numpy().reshape(-1, *x.shape[1:])


def distance(a, b, names, valid=None):
    """Root mean square difference per band and its mean over bands."""
    square = (a.astype(np.float64) - b) ** 2
    each = np.sqrt([s[valid].mean() if valid is not None else s.mean() for s in square])
    return {**{n: round(float(v), 4) for n, v in zip(names, each)}, "mean": round(float(each.mean()), 5)}


def classify(net, x):
    """Classes of (13, h, w); edges are padded by reflection."""
    height, width = x.shape[1:]
    down, right = -height % 32, -width % 32
    padded = np.pad(x, ((0, 0), (0, down), (0, right)), "reflect").astype(np.float32)
    with torch.no_grad():
        return net(torch.from_numpy(padded[None]))[0, :, :height, :width].argmax(0).numpy()


def read_tiff(path):
    from PIL import Image

    return np.asarray(Image.open(path)).astype(np.float32)


class Scenes:
    """Real scenes of 13 bands on one 10 m grid: {name: (13, h, w) reflectance}; `clear`, `truth` by name."""

    def __init__(self, data):
        if not os.path.isdir(data):
            sys.exit(f"{data}: no such folder")
        self.data, self.images, self.clear, self.truth, self.skipped = data, {}, [], {}, []
        path = os.path.join(data, "s2", "eolearn_l1c13_5scenes_with_s2cloudless.npz")
        if self.there(path):
            with np.load(path) as z:
                for i, (x, mask) in enumerate(zip(z["l1c"], z["clm"])):
                    name = f"eolearn{i} {str(z['timestamps'][i])[:10]}"
                    self.images[name], self.truth[name] = x, mask.astype(bool)
                    if not mask.any():
                        self.clear.append(name)
        for name, file in (
            ("T31TDH", "T31TDH_20150726_crop300_nearest10m.npz"),
            ("SEN12MS-CR", "sen12mscr_ROIs1868_summer_s2_cloudy_19_p30.npz"),
        ):
            path = os.path.join(data, "golden", file)
            if self.there(path):
                with np.load(path) as z:
                    self.images[name] = z["dn"].astype(np.float32) * 1e-4
        path = os.path.join(data, "s2", "S2A_MSIL1C_20170527_T33UUB_native.npz")
        if self.there(path):
            with np.load(path) as z:
                self.images["DSen2"] = self.native(z)
                self.clear.append("DSen2")  # a clear scene by eye

    def there(self, path):
        if os.path.exists(path):
            return True
        if os.path.basename(path) not in self.skipped:
            self.skipped.append(os.path.basename(path))
        return False

    @staticmethod
    def native(z):
        """Twelve bands of native resolution on the 10 m grid; B10, which is absent, as in clear air."""
        size = z["im10"].shape[-1]
        x = np.full((13, size, size), 0.0012, np.float32)
        for grid in ("10", "20", "60"):
            for band, image in zip(z["b" + grid], z["im" + grid]):
                k = size // image.shape[-1]
                x[BANDS.index(str(band))] = np.repeat(np.repeat(image, k, 0), k, 1) * 1e-4
        return x


def evaluate_correction(path, scenes):
    out = {}
    published = os.path.join(scenes.data, "weights", "dtacsnet")
    icor = os.path.join(scenes.data, "s2", "icor")
    four = os.path.splitext(path)[0] + "_planetscope.pt"
    if scenes.there(icor) and scenes.there(four):
        toa = np.stack([read_tiff(os.path.join(icor, f"ref_input_S2_{b}.tif")) for b in PLANETSCOPE]) * 1e-4
        truth = np.stack([read_tiff(os.path.join(icor, f"ref_check_icor_S2_{b}.tif")) for b in PLANETSCOPE]) * 1e-4
        valid = (toa > 0).all(0) & (truth > 0).all(0)
        theirs = os.path.join(published, "CNN_corrector_planetscope.pt")
        out["to iCOR"] = {"ours": distance(correct(four, toa, range(4)), truth, PLANETSCOPE, valid)}
        if scenes.there(theirs):
            out["to iCOR"]["published"] = distance(correct(theirs, toa, range(4)), truth, PLANETSCOPE, valid)
        out["to iCOR"]["no correction"] = distance(toa, truth, PLANETSCOPE, valid)
        out["to iCOR"]["pixels"] = int(valid.sum())
    theirs = os.path.join(published, "CNN_corrector.pt")
    linear = os.path.splitext(path)[0] + "_linear.pt"
    if scenes.there(theirs):
        names = [BANDS[i] for i in NO_B10]
        as_sen2cor = np.array([1 / SEN2COR_SWIR.get(band, 1) for band in names], np.float32)[:, None, None]
        for name, x in scenes.images.items():
            if name in scenes.truth and name not in scenes.clear:
                continue
            reference = correct(theirs, x, NO_B10)
            ours = correct(path, x, NO_B10)
            out[f"to published on {name}"] = {
                "ours": distance(ours, reference, names),
                "ours, SWIR as Sen2Cor's": distance(ours * as_sen2cor, reference, names),
                "no correction": distance(x[NO_B10], reference, names),
            }
            if scenes.there(linear):
                out[f"to published on {name}"]["our linear"] = distance(correct(linear, x, NO_B10), reference, names)
    return out


def evaluate_classification(path, scenes):
    net = Unet(13, 4)
    net.load_state_dict(torch.load(path, map_location="cpu")["state_dict"])
    net.eval()
    out, matrix = {}, np.zeros((2, 2), np.int64)
    for name, x in scenes.images.items():
        classes = classify(net, x)
        share = np.bincount(classes.ravel(), minlength=4) / classes.size
        out[name] = {c: round(float(s), 4) for c, s in zip(CLASS_NAMES, share)}
        cloud = (classes == 1) | (classes == 2)
        if name in scenes.truth:
            matrix += confusion(cloud, scenes.truth[name], 2)
            out[name]["cloud by s2cloudless"] = round(float(scenes.truth[name].mean()), 4)
            out[name]["balanced accuracy"] = balanced(confusion(cloud, scenes.truth[name], 2))
        if name in scenes.clear:
            out[name]["false cloud"] = round(float(cloud.mean()), 4)
    if scenes.truth:
        four = np.zeros((4, 4), np.int64)
        four[:2, :2] = matrix
        out["against s2cloudless, pixels of all scenes"] = {
            "balanced accuracy": balanced(matrix),
            "F2 of cloud": scores(four)["cloud"]["F2"],
        }
    return out


def evaluate_landsat(path, scenes):
    """Six bands, 30 m: 0 shadow, 1 to 3 clear, 4 cloud."""
    net, out = Unet(6, 4), {}
    net.load_state_dict(torch.load(path, map_location="cpu")["state_dict"])
    net.eval()
    for name in ("landsat5", "landsat7"):
        file = os.path.join(scenes.data, "s2", "ukis_landsat", name + ".npz")
        if not scenes.there(file):
            continue
        with np.load(file) as z:
            x, label = np.moveaxis(z["img"], -1, 0), z["msk"][..., 0]
        truth = np.select([label == 0, label == 4], [3, 1], 0)  # one kind of cloud
        classes = classify(net, x)
        result = scores(confusion(np.where(classes == 2, 1, classes), truth))
        out[name] = {group: result[group] for group in ("cloud", "shadow", "invalid")}
    return out


def balanced(matrix):
    """Mean recall of the classes that occur."""
    rows = [row[i] / row.sum() for i, row in enumerate(matrix) if row.sum()]
    return round(float(np.mean(rows)), 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--sc", nargs="*", default=[])
    parser.add_argument("--ac", nargs="*", default=[])
    parser.add_argument("--sc6", nargs="*", default=[])
    parser.add_argument("--json", help="write the numbers here too")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    for path in args.ac + args.sc + args.sc6:
        if not os.path.exists(path):
            parser.error(f"{path} is not there")
    torch.set_num_threads(args.threads)
    scenes = Scenes(args.data)
    report = {p: evaluate_correction(p, scenes) for p in args.ac}
    report |= {p: evaluate_classification(p, scenes) for p in args.sc}
    report |= {p: evaluate_landsat(p, scenes) for p in args.sc6}
    for name, parts in report.items():
        print(name)
        for part, values in parts.items():
            print(f"  {part}")
            if any(isinstance(v, dict) for v in values.values()):
                for who, numbers in values.items():
                    print(f"    {who:23s} {numbers}")
            else:
                print(f"    {values}")
    if scenes.skipped:
        print("skipped, absent:", ", ".join(scenes.skipped), file=sys.stderr)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(report, f, indent=1)


if __name__ == "__main__":
    main()
