# SPDX-License-Identifier: Apache-2.0
"""unet.py with frozen batch norms, which it folds, and upsampled inputs, which it does not make, against plain layers.

    python3 fold_norms.py TOOLS_TRAIN WEIGHTS.dtw
"""
import sys

sys.path.insert(0, sys.argv[1])
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from dtw import read_dtw, start_from_weights, unet_layers  # noqa: E402
from unet import DecoderBlock, InvertedResidual, Unet, conv_bn_relu6  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(6)


def layer(conv, norm, x):
    x = F.conv2d(x, conv.weight, None, conv.stride, conv.padding, 1, conv.groups)
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)


def plain_decoder(block, x, skip):
    x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    x = x if skip is None else torch.cat([x, skip], 1)
    for conv, norm, _ in (block.conv1, block.conv2):
        x = layer(conv, norm, x).relu()
    return x


def plain_residual(block, x):
    expand, depthwise, project, norm = block.conv
    return x + layer(project, norm, layer(*depthwise[:2], layer(*expand[:2], x).clamp(0, 6)).clamp(0, 6))


for name, block, plain, shapes in (
    ("stem", conv_bn_relu6(5, 8, 3, 2), lambda m, x: layer(*m[:2], x).clamp(0, 6), [(2, 5, 12, 10)]),
    ("residual", InvertedResidual(8, 8, 1, 6), plain_residual, [(2, 8, 7, 6)]),
    ("decoder", DecoderBlock(9, 4), plain_decoder, [(2, 6, 5, 7), (2, 3, 10, 14)]),
    ("decoder without skip", DecoderBlock(6, 4), plain_decoder, [(2, 6, 5, 7), None]),
):
    for norm in (m for m in block.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.2, 3)
        norm.weight.data.uniform_(0.5, 2)
        norm.bias.data.uniform_(0, 1)
    block = block.double().eval()
    inputs = [shape and torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    leaves = [*filter(torch.is_tensor, inputs), *block.parameters()]
    results = []
    for y in (block(*inputs), plain(block, *inputs)):
        weighed = y * torch.arange(y.numel()).view_as(y).sin()
        results.append((y, *torch.autograd.grad(weighed.sum(), leaves)))
    same = [torch.allclose(a, b, rtol=1e-9, atol=1e-9) for a, b in zip(*results)]
    print(name, "output" if same[0] else "OTHER", "gradients" if all(same[1:]) else "OTHER")

# From a weights file each norm starts as what hands on its input plus the file's bias.
model, plain = Unet(13, 4), Unet(13, 4).eval()
x = torch.rand(1, 13, 64, 64)
start_from_weights(model, sys.argv[2], 1, x)
arrays, _ = read_dtw(sys.argv[2])
modules = dict(plain.named_modules())
with torch.no_grad():
    for key, conv, norm in unet_layers():
        modules[conv].weight.copy_(torch.from_numpy(arrays[key + ".w"]))
        modules[norm or conv].bias.copy_(torch.from_numpy(arrays[key + ".b"]))
    found, expected = model(x), plain(x)
print("start", "logits" if (found - expected).abs().max() < 1e-3 * expected.abs().max() else "OTHER")
