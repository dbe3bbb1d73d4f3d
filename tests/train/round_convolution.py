# SPDX-License-Identifier: Apache-2.0
"""What quantised.py makes of convolutions, against the rules of weights/FORMAT.md.

    python3 round_convolution.py TOOLS_TRAIN
"""
import sys

sys.path.insert(0, sys.argv[1])
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import quantised  # noqa: E402
from unet import Convolution  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(5)
seen = {}


def listen(x, weight, *rest):
    seen.update(x=x, weight=weight)
    return plain(x, weight, *rest)


plain, F.conv2d = F.conv2d, listen


def integers(values, unit):
    q = values / unit
    assert (q - q.round()).abs().max() < 2e-3
    return q.round()


for name, conv, groups, signed in (
    ("3x3", Convolution(6, 8, 3, padding=1, bias=False), 1, False),
    ("pointwise", Convolution(6, 8, 1, bias=False), 1, True),
    ("depthwise", Convolution(6, 6, 3, padding=1, groups=6, bias=False), 6, False),
):
    x = (6 * torch.rand(2, 6, 16, 16) - 3) * torch.tensor([0.01, 0.1, 1, 3, 10, 30]).view(1, -1, 1, 1)
    x = (x if signed else x.relu()).requires_grad_()
    model = nn.Sequential(nn.Identity(), conv)
    exact = conv(x)
    quantised.quantise(model)
    out = model(x)
    unit = quantised.activation_units(x)
    q = integers(seen["x"].detach(), unit)
    of_input = unit if groups == 1 else unit.view(-1, 1, 1, 1)
    w = integers(seen["weight"].detach() * of_input, quantised.weight_units(conv.weight * of_input)).abs()
    pairs = w[:, 0::2] + w[:, 1::2] if groups == 1 else w[..., :-1] + w[..., 1:]
    out.square().sum().backward()
    again = plain(seen["x"], seen["weight"], None, 1, conv.padding, 1, groups)
    used = torch.autograd.grad(again.square().sum(), seen["weight"])[0]
    with quantised.without_rounding(model):
        stopped = torch.equal(model(x), exact)
    stopped = stopped and torch.equal(model(x), out)  # and went on
    print(
        name,
        "activations" if q.max() <= 255 and q.min() >= (-127 if signed else 0) else "BEYOND",
        "weights" if 63 < w.max() <= 127 and pairs.max() <= 129 else "BEYOND",
        "near" if 0 < (out - exact).abs().max() < 0.03 * exact.abs().max() else "FAR",
        "gradient" if torch.allclose(conv.weight.grad, used, rtol=1e-3) else "WRONG",
        "stops" if stopped else "ROUNDS ON",
    )
