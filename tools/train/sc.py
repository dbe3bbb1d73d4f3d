# SPDX-License-Identifier: Apache-2.0
"""Trains the scene classification network on simulated scenes.

    python3 tools/train/sc.py --encoder mobilenet_v2.npz --out sc.pt

Input of the trained network: reflectance of 13 bands on one grid, nothing else; a per-band scale that helps training
is folded into the first convolution on export. The checkpoint holds "state_dict" under segmentation_models_pytorch's
names, batch norms included; OUT with .json beside it says how it was made and what it scores on held-out scenes
(other seed, other spectra, other atmospheres).
"""
import argparse
import collections
import copy
import functools
import json
import math
import os
import time
from multiprocessing import Pool

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from atmosphere import BANDS, AtmosphereTable
from dtw import start_from_weights
from fields import Draws, blur
from ground import Spectra
from metrics import confusion, scores, simulator, source_commit
from quantised import quantise, without_rounding
from simulate import CLASS_NAMES, random_scene
from unet import LEAST_VARIANCE, Unet, start_from_imagenet

PATHS = ("out", "encoder", "start", "init", "end", "cache")  # no part of a record
CLASS_WEIGHT = (1.0, 1.6, 2.4, 4.0)  # users weigh a missed class above a false alarm: F2, not accuracy


@functools.lru_cache(None)
def tables(split, device):
    return Spectra(split, device), AtmosphereTable(split)


def make_scene(seed, split, size, index, device):
    """Scene `index` of a seed: (13, size, size) int16 reflectance x 10000 and labels, on the device."""
    scene = random_scene(Draws([seed, index], device), size, *tables(split, device))
    return torch.round(scene.toa * 10000).to(torch.int16), scene.label


def with_one_thread(make, *arguments):
    """As workers do: sums of several threads end in other digits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    made = make(*arguments)
    torch.set_num_threads(threads)
    return made


SHARED = []  # of a process that makes scenes: where it puts them


def start_worker(x, y):
    torch.set_num_threads(1)
    SHARED[:] = x, y


def fill(slot, *which):
    SHARED[0][slot], SHARED[1][slot] = make_scene(*which, "cpu")


class SceneStream:
    """The scenes of a seed, one after the other, on a device.

    With workers, that many processes of the host make them ahead of their use, in memory that all share; without, the
    device makes each when it is asked for.
    """

    def __init__(self, seed, split, size, args, first=0):
        self.which, self.device, self.workers, self.made = (seed, split, size), args.device, args.workers, first
        self.pool, self.waiting = None, collections.deque()

    def start_workers(self):
        slots, size = 4 * self.workers, self.which[-1]
        self.x = torch.empty((slots, 13, size, size), dtype=torch.int16).share_memory_()
        self.y = torch.empty((slots, size, size), dtype=torch.uint8).share_memory_()
        self.pool = Pool(self.workers, start_worker, (self.x, self.y))
        for slot in range(slots):
            self.ask_for(slot)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pool:
            self.pool.terminate()

    def ask_for(self, slot):
        self.waiting.append((slot, self.pool.apply_async(fill, (slot, *self.which, self.made))))
        self.made += 1

    def next(self):
        if not self.workers:
            self.made += 1
            return with_one_thread(make_scene, *self.which, self.made - 1, self.device)
        if not self.pool:
            self.start_workers()
        slot, done = self.waiting.popleft()
        done.get()
        scene = self.x[slot].to(self.device, copy=True), self.y[slot].to(self.device, copy=True)
        self.ask_for(slot)
        return scene


def scene_pool(seed, split, size, count, args):
    """The first `count` scenes of a seed, kept in the folder --cache between runs."""
    maker = "cpu" if args.workers else torch.device(args.device).type
    file = args.cache and os.path.join(args.cache, f"scenes_{simulator()}_{maker}_{split}_{seed}_{size}_{count}.npz")
    if file and os.path.exists(file):
        with np.load(file) as z:
            return torch.from_numpy(z["x"]).to(args.device), torch.from_numpy(z["y"]).to(args.device)
    x = torch.empty((count, 13, size, size), dtype=torch.int16, device=args.device)
    y = torch.empty((count, size, size), dtype=torch.uint8, device=args.device)
    with SceneStream(seed, split, size, args) as stream:
        for i in range(count):
            x[i], y[i] = stream.next()
    if file:
        np.savez(file + ".tmp.npz", x=x.cpu().numpy(), y=y.cpu().numpy())
        os.replace(file + ".tmp.npz", file)
    return x, y


def batch_of(rng, x, y, count, crop, saturation=None):
    """Random crops, flipped and turned, with jittered calibration and path radiance; some blurred as if resampled.

    saturation: the range that the highest reflectance a band can tell lies in, for sensors which clouds outshine.
    """
    xs, ys = [], []
    for _ in range(count):
        i = rng.integers(len(x))
        top, left = rng.integers(x.shape[-1] - crop + 1, size=2)
        a = x[i, :, top : top + crop, left : left + crop].float()
        b = y[i, top : top + crop, left : left + crop]
        turns = int(rng.integers(4))
        a, b = torch.rot90(a, turns, (1, 2)), torch.rot90(b, turns)
        if rng.random() < 0.5:
            a, b = a.flip(2), b.flip(1)
        if rng.random() < 0.25:
            a = blur(a, rng.uniform(0.4, 1.0), "replicate")
        xs.append(a)
        ys.append(b)
    jitter = rng.uniform(0.02, 0.07, (count, 1, 1, 1))
    gain = (1 + jitter * rng.normal(size=(count, x.shape[1], 1, 1))) * (1 + rng.normal(0, 0.08, (count, 1, 1, 1)))
    offset = 0.5 * jitter * rng.normal(size=(count, x.shape[1], 1, 1))
    gain, offset = (torch.as_tensor(v, dtype=torch.float32, device=x.device) for v in (gain * 1e-4, offset))
    a = torch.stack(xs)
    a = gain * (a + offset * a.mean((2, 3), keepdim=True))
    if saturation:
        highest = rng.uniform(*saturation, (count, x.shape[1], 1, 1))
        a = torch.minimum(a, torch.as_tensor(highest, dtype=torch.float32, device=x.device))
    return a.contiguous(memory_format=torch.channels_last), torch.stack(ys).long()


class Averaged:
    """Exponential moving average of a model's weights, over about `steps` of them."""

    def __init__(self, model, steps):
        self.model, self.keep = copy.deepcopy(model).eval(), 1 - 1 / steps

    def update(self, model, step):
        keep = min(self.keep, (1 + step) / (10 + step))
        pairs = list(zip(self.model.state_dict().values(), model.state_dict().values()))
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        with torch.no_grad():
            torch._foreach_mul_([a for a, _ in floats], keep)
            torch._foreach_add_([a for a, _ in floats], [b for _, b in floats], alpha=1 - keep)


def refresh_batch_norm(model, x, y, scale, args):
    """Batch norm statistics of exactly these weights: the plain mean over batches, taken as the network is trained."""
    rng = np.random.default_rng([args.seed, 2])
    crop = max(int(crop) for crop in args.crop.split(","))
    as_trained = copy.deepcopy(model)
    if args.int8:
        quantise(as_trained)
    for m in as_trained.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.reset_running_stats()
            m.momentum = None
    as_trained.train()
    with torch.no_grad(), torch.autocast(x.device.type, torch.bfloat16, enabled=args.bf16 and args.int8):
        for _ in range(min(args.steps or 40, 40)):
            a, _ = batch_of(rng, x, y, max(2, 12 * 192**2 // crop**2), crop, args.saturation)
            as_trained(a * scale)
    model.load_state_dict(as_trained.state_dict())
    calm_still_channels(model)
    model.eval()


def calm_still_channels(model):
    """Keeps batch norms from dividing by next to nothing.

    Where a channel is still on simulated scenes its folded weights grow to hundreds, which changes nothing there; but a
    real scene that stirs it drives it to the other end of its range.
    """
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_var.clamp_(min=LEAST_VARIANCE)


def class_scores(model, x, scale):
    """What the network says about each of the scenes, (4, size, size) one after the other."""
    with torch.no_grad():
        for i in range(0, len(x), 4):
            a = x[i : i + 4].float() * 1e-4 * scale
            yield from model(a.contiguous(memory_format=torch.channels_last)).cpu().numpy()


def evaluate(model, x, y, scale):
    return sum(confusion(p.argmax(0), truth) for p, truth in zip(class_scores(model, x, scale), y.cpu().numpy()))


def favour_recall(model, x, y, scale):
    """Adds to the head's bias, by class, what makes the mean of F1 and F2 of the three classes and of cloud, and
    accuracy, best in sum on x.

    Cross-entropy leaves the most probable class the winner; F2, which counts a miss four times a false alarm, wants a
    class called long before it is the most probable one. F1 and accuracy keep clear ground clear. Returns what was added.
    """
    p = np.concatenate([a[:, ::4, ::4].reshape(4, -1) for a in class_scores(model, x, scale)], 1)
    truth = y[:, ::4, ::4].flatten().cpu().numpy()

    def worth(added):
        s = scores(confusion((p + np.array([[0], *([a] for a in added)], np.float32)).argmax(0), truth))
        f = sum(s[group][k] for group in ("thick", "thin", "shadow", "cloud") for k in ("F1", "F2"))
        return f / 2 + s["accuracy"]

    best, reached = [0.0, 0.0, 0.0], -1.0
    for step in (0.5, 0.25, 0.125):  # uphill on ever finer grids
        while True:
            around = [[b + step * (d - 1) for b, d in zip(best, ds)] for ds in np.ndindex(3, 3, 3)]
            value, winner = max((worth(added), added) for added in around)
            if value <= reached:
                break
            best, reached = winner, value
    with torch.no_grad():
        model.segmentation_head[0].bias += torch.tensor([0, *best], device=x.device)
    return [0.0, *best]


def export(model, scale, path):
    """Writes the checkpoint with the input scale folded into the stem."""
    state = {k: v.cpu().clone().contiguous() for k, v in model.state_dict().items()}
    state["encoder.features.0.0.weight"] *= scale.cpu()
    torch.save({"state_dict": state}, path + ".tmp")
    os.replace(path + ".tmp", path)


def learning_rate(progress):
    """Share of the peak rate: short warm-up, half of the time at the peak, cosine to almost nothing. progress: 0..1."""
    warm, fall = 0.05, 0.5
    if progress < fall:
        return min(1, progress / warm)
    return 0.5 * (1 + math.cos(math.pi * (progress - fall) / (1 - fall))) + 2e-3


def crops_a_step(args, crop):
    """As many as have the pixels of --batch crops of the first size."""
    return max(1, args.batch * int(args.crop.split(",")[0]) ** 2 // crop**2)


def record_of(checkpoint):
    """What training wrote beside a checkpoint; None without."""
    path = os.path.splitext(checkpoint or "")[0] + ".json"
    if not checkpoint or not os.path.exists(path):
        return None
    with open(path) as f:
        return json.load(f)


def known_as(meta):
    """A weights file's own name, by its metadata."""
    return f"version {meta.get('version')}, seed {meta.get('training.seed')}"


def loss_of(model, a, b, weight, args):
    with torch.autocast(a.device.type, torch.bfloat16, enabled=args.bf16):
        p = model(a).float()
        if args.agree:
            with without_rounding(model):
                exact = model(a).float()
    loss = F.cross_entropy(p, b, weight=weight, label_smoothing=0.02)
    if args.agree:
        # The gradient is of both, which the same weights make: what it lessens is how much rounding moves the classes.
        loss = loss + args.agree * (p.softmax(1) - exact.softmax(1)).abs().sum(1).mean()
    return loss


def train(model, x, y, check, scale, bands, args, keep):
    """Trains until the time or the steps are used up; returns the averaged model, steps and seconds.

    At every check, keep(averaged model, steps, seconds).
    """
    rng = np.random.default_rng([args.seed, 1])
    groups = [
        {"params": [p for p in model.encoder.parameters()], "peak": args.rate * 0.5},
        {"params": [*model.decoder.parameters(), *model.segmentation_head.parameters()], "peak": args.rate},
    ]
    optimiser = torch.optim.AdamW(groups, lr=args.rate, weight_decay=0.01, foreach=True)
    weight = torch.tensor(CLASS_WEIGHT, device=args.device)
    average = Averaged(model, args.average)
    crops = [int(crop) for crop in args.crop.split(",")]
    if args.int8:
        quantise(model)
    start, step, total, shown, progress = time.time(), 0, torch.zeros((), device=args.device), time.time(), 0.0
    oldest, due = 0, 0.0
    model.train(not args.freeze_norms)
    with SceneStream(args.seed, "train", args.size, args, first=len(x)) as stream:
        while progress < 1 and args.steps != 0:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * learning_rate(progress)
            due += args.renew
            while due >= 1:  # the oldest scene makes place for one never seen
                new_x, new_y = stream.next()
                x[oldest], y[oldest] = new_x[bands], new_y
                oldest, due = (oldest + 1) % len(x), due - 1
            crop = rng.choice(crops)
            a, b = batch_of(rng, x, y, crops_a_step(args, crop), crop, args.saturation)
            loss = loss_of(model, a * scale, b, weight, args)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimiser.step()
            step += 1
            total += loss.detach()
            average.update(model, step)
            progress = step / args.steps if args.steps else (time.time() - start) / (60 * args.minutes)
            if step % 50 == 0:
                print(f"{step} loss {total.item() / 50:.4f} {time.time() - start:.0f} s", flush=True)
                total.zero_()
            if time.time() - shown > 60 * args.check_minutes:
                shown = time.time()
                keep(average.model, step, time.time() - start)
                print(f"{step} check {scores(evaluate(average.model, *check, scale))}", flush=True)
    return average.model, step, time.time() - start


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="checkpoint to write (.pt)")
    parser.add_argument("--encoder", help="batch-norm-folded MobileNetV2 (npz) to start from; random without")
    parser.add_argument("--start", help="checkpoint of an earlier run to go on from")
    parser.add_argument("--init", help="weights file (.dtw, batch norm folded) to go on from")
    parser.add_argument("--blend", type=float, default=1.0, help="share of the trained, the rest --init or --start")
    parser.add_argument("--bands", help="B02,B03,...: fewer than the 13; of 13 in --start these are kept")
    parser.add_argument("--saturation", type=float, nargs=2, help="range of the reflectance at which a band saturates")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=70, help="time to train; the learning rate follows it")
    parser.add_argument("--end", help="HH:MM local time to stop training at, instead of --minutes")
    parser.add_argument("--cache", help="folder that keeps simulated scenes between runs")
    parser.add_argument("--steps", type=int, help="train this many steps instead: repeatable; 0 keeps the weights")
    parser.add_argument("--scenes", type=int, default=5000)
    parser.add_argument("--renew", type=float, default=0, help="new scenes per step, each in the oldest one's place")
    parser.add_argument("--check-scenes", type=int, default=48, help="for progress, and for --favour-recall")
    parser.add_argument("--favour-recall", action="store_true", help="shift the classes' thresholds to the best F2")
    parser.add_argument("--bf16", action="store_true", help="multiply in bfloat16: four times faster on CPUs that can")
    parser.add_argument("--int8", action="store_true", help="train with the rounding of 8-bit weights and activations")
    parser.add_argument("--agree", type=float, default=0, help="with --int8: weight of what rounding does to the classes")
    parser.add_argument("--test-scenes", type=int, default=400)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--size", type=int, default=192, help="pixels of a simulated scene, a multiple of 96")
    parser.add_argument("--crop", default="128", help="a multiple of 32, or several: each step takes one by chance")
    parser.add_argument("--test-size", type=int, default=192, help="likewise")
    parser.add_argument("--average", type=float, default=667, help="steps that the kept weights are the mean of, about")
    parser.add_argument("--freeze-norms", action="store_true", help="keep the batch norm statistics of the start")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--device", default="cpu", help="cuda: scenes stay there, and without --workers are made there")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, help="processes of the host that make scenes; default: threads, or 0")
    parser.add_argument("--check-minutes", type=float, default=5)
    args = parser.parse_args()
    if args.encoder and (args.bands or args.start or args.init):
        parser.error("--encoder begins anew, for the 13 bands: neither --bands nor --start nor --init goes with it")
    if args.init and args.bands:
        parser.error("--init has all bands: --bands goes with --start, or neither")
    if args.agree and not args.int8:
        parser.error("--agree is for --int8")
    for path in filter(None, (args.encoder, args.start, args.init)):
        if not os.path.exists(path):
            parser.error(f"{path} is not there")
    unknown = [band for band in (args.bands or "B01").split(",") if band not in BANDS]
    if unknown:
        parser.error(f"--bands: no band is called {', '.join(unknown)}")
    # The network halves five times, a simulated scene is cut into 60 m pixels.
    if args.size % 96 or args.test_size % 96 or min(args.size, args.test_size) <= 0:
        parser.error("--size and --test-size are multiples of 96")
    try:
        crops = [int(crop) for crop in args.crop.split(",")]
    except ValueError:
        crops = [0]
    if any(crop <= 0 or crop % 32 or crop > args.size for crop in crops):
        parser.error("--crop: multiples of 32, at most --size")
    if args.steps is None and args.end is None and args.minutes <= 0:
        parser.error("--minutes must be positive; --steps 0 keeps the weights")
    earlier = record_of(args.start)
    if args.start and args.init:
        if not earlier:
            parser.error(f"--start with --init: {args.start} has no record (.json) of its scenes")
        # Weights stand in units that follow from the scenes.
        for name in ("seed", "scenes", "size", "bands"):
            if earlier["settings"][name] != getattr(args, name):
                parser.error(f"--{name} must be {args.start}'s with --init: {earlier['settings'][name]}")
    if args.workers is None:
        args.workers = args.threads if args.device == "cpu" else 0
    return args, earlier


def story(args, share, earlier, meta, steps, added, finished):
    """What the weights learnt from, in words."""
    made_of = []
    if steps:
        crops = sorted({int(crop) for crop in args.crop.split(",")})
        made_of.append(
            f"{args.scenes + int(steps * args.renew)} simulated scenes of {args.size} px, class shares "
            f"{[round(float(v), 3) for v in share]}, in {steps} steps of "
            + " or ".join(f"{crops_a_step(args, crop)} crops of {crop} px" for crop in crops)
            + (", kept alike in 8-bit integers and floats" if args.agree else "")
        )
    before = ""
    if args.start:
        before = earlier["training_data"] if earlier else f"{os.path.basename(args.start)}, of which nothing is recorded"
    elif meta:
        before = f"{meta.get('description', args.init)} ({known_as(meta)}, commit {meta.get('training.commit')})"
    if before:
        made_of.append(f"{'on top of: ' if steps else ''}{before}")
    if args.encoder:
        made_of.append("encoder initialised from torchvision MobileNetV2 (BSD-3-Clause)")
    if args.blend < 1 and finished:
        rest = f"those of {known_as(meta)}" if meta else "those it began with"
        made_of.append(f"in the end {args.blend:g} of the trained weights and {1 - args.blend:g} of {rest}")
    if added:
        made_of.append(f"then added to the class scores: {added}")
    return "; ".join(made_of)


def main():
    args, earlier = arguments()
    for folder in filter(None, (args.cache, os.path.dirname(args.out))):
        os.makedirs(folder, exist_ok=True)
    commit = source_commit()  # of the files as they are now, not when training ends
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    torch.backends.cudnn.benchmark = True  # on a GPU the first step of a shape tries what is fastest
    begin = time.time()
    x, y = scene_pool(args.seed, "train", args.size, args.scenes, args)
    check = scene_pool(args.seed + 1000, "train", args.size, args.check_scenes, args)
    bands = [BANDS.index(b) for b in args.bands.split(",")] if args.bands else list(range(13))
    if args.bands:
        x, check = x[:, bands], (check[0][:, bands], check[1])
    share = (torch.bincount(y.ravel(), minlength=4) / y.numel()).cpu().numpy()
    print(f"{len(x)} scenes in {time.time() - begin:.0f} s, classes {share.round(3)}", flush=True)

    some = max(4, 64 * 192**2 // args.size**2)
    sample = x[:: max(1, len(x) // some)].float() * 1e-4
    scale = 1 / sample.std((0, 2, 3), keepdim=True)
    model = Unet(len(bands), 4).to(args.device)
    if args.encoder:
        start_from_imagenet(model, args.encoder, sample[:32] * scale)
    meta = None
    if args.init:
        meta = start_from_weights(model, args.init, scale, sample * scale)
        first = copy.deepcopy(model.state_dict())
    if args.start:
        state = torch.load(args.start, map_location=args.device)["state_dict"]
        stem = "encoder.features.0.0.weight"
        if state[stem].shape[1] > len(bands):
            state[stem] = state[stem][:, bands]
        state[stem] = state[stem] / scale
        model.load_state_dict(state)
    if not args.init:
        first = copy.deepcopy(model.state_dict())
    if args.end:
        hour, minute = map(int, args.end.split(":"))
        now = time.localtime()
        args.minutes = (hour * 60 + minute - now.tm_hour * 60 - now.tm_min - now.tm_sec / 60) % 1440
    model = model.to(memory_format=torch.channels_last)

    def keep(model, steps, seconds, finished=False, added=None, matrix=None):
        """The checkpoint and its record, which has scores in the end."""
        export(model, scale, args.out)
        kept = args.start or args.init
        report = {
            "network": f"Unet(mobilenet_v2) {len(bands)} -> 4, reflectance in, classes: " + ", ".join(CLASS_NAMES),
            "start": "earlier weights" if kept else "ImageNet MobileNetV2" if args.encoder else "random weights",
            "training_data": story(args, share, earlier, meta, steps, added, finished),
            "test_data": f"{args.test_scenes} simulated scenes of {args.test_size} px, seed {args.seed + 2000}, "
            f"spectra and atmospheres of their own; simulator {simulator()}",
            "commit": commit,
            "settings": {k: v for k, v in vars(args).items() if k not in PATHS},
            "added_to_class_scores": added,
            "steps": steps,
            "seconds_trained": round(seconds),
            "confusion_rows_are_truth": None if matrix is None else matrix.tolist(),
            "scores": None if matrix is None else scores(matrix),
        }
        if kept:
            report["started_from"] = earlier or meta
        with open(os.path.splitext(args.out)[0] + ".json", "w") as f:
            json.dump(report, f, indent=1)
        return report

    model, steps, seconds = train(model, x, y, check, scale, bands, args, keep)
    if args.blend < 1:  # what two simulators taught, between the two
        state = model.state_dict()
        for k, v in state.items():
            if v.is_floating_point():
                v.copy_(torch.lerp(first[k], v, args.blend))
    if steps and not args.freeze_norms:
        refresh_batch_norm(model, x, y, scale, args)
    calm_still_channels(model)  # also those of --start and --blend
    added = favour_recall(model, *check, scale) if args.favour_recall else None
    keep(model, steps, seconds, True, added)
    test = scene_pool(args.seed + 2000, "test", args.test_size, args.test_scenes, args)
    matrix = evaluate(model, test[0][:, bands], test[1], scale)
    print(json.dumps(keep(model, steps, seconds, True, added, matrix), indent=1))


if __name__ == "__main__":
    main()
