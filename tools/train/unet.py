# SPDX-License-Identifier: Apache-2.0
"""U-Net with a MobileNetV2 encoder, with segmentation_models_pytorch's parameter names, in plain PyTorch.

Where a batch norm's statistics are frozen it is computed as part of the convolution before it, and a convolution of an
upsampled input as four of the input itself: the same function and the same gradients in three quarters of the time.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# expansion, channels, repeats, first stride
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
SKIP_AFTER = (1, 3, 6, 13)  # encoder features whose outputs the decoder reads
DECODER = (256, 128, 64, 32, 16)
LEAST_VARIANCE = 1e-3  # that a batch norm divides by


class Clamp6(torch.autograd.Function):
    """nn.functional.relu6, whose derivative is also there, and fast, for bfloat16 on a CPU."""

    @staticmethod
    def forward(context, x):
        y = x.clamp(0, 6)
        context.save_for_backward(y)
        return y

    @staticmethod
    def backward(context, gradient):
        (y,) = context.saved_tensors
        if y.dtype != torch.bfloat16:
            return torch.ops.aten.hardtanh_backward(gradient, y, 0, 6)
        gradient = torch.ops.aten.threshold_backward(gradient, y, 0)
        return torch.ops.aten.threshold_backward(gradient, 6 - y, 0)


class Relu6(nn.Module):
    def forward(self, x):
        return Clamp6.apply(x)


class Convolution(nn.Conv2d):
    rounding = None  # or what replaces its inputs and weights: (inputs, weights, groups) -> (inputs, weights)

    def forward(self, x):
        return self.convolve(x, self.weight, self.bias)

    def convolve(self, x, weight, bias):
        if self.rounding:
            (x,), weight = self.rounding([x], weight, self.groups)
        return F.conv2d(x, weight, bias, self.stride, self.padding, 1, self.groups)

    def folded(self, norm):
        """Weight and bias of this convolution and the batch norm after it, whose statistics are frozen, in one."""
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        return self.weight * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale

    def normalised(self, norm, x):
        return norm(self(x)) if norm.training else self.convolve(x, *self.folded(norm))


class Interleave(torch.autograd.Function):
    """(n, 4 c, h + 1, w + 1) -> (n, c, 2 h, 2 w): puts the four phases of an upsampled output, which stand side by side in
    channels and start a pixel apart, in their places."""

    @staticmethod
    def parts(split, joined):
        """Where the phases lie in both, channels last."""
        _, height, width, channels = joined.shape
        for k, (i, j) in enumerate(np.ndindex(2, 2)):
            part = split[:, i : i + height // 2, j : j + width // 2, k * channels : (k + 1) * channels]
            yield part, joined[:, i::2, j::2]

    @staticmethod
    def forward(_, x):
        n, channels, height, width = x.shape
        y = x.new_empty(n, 2 * height - 2, 2 * width - 2, channels // 4)
        for part, place in Interleave.parts(x.permute(0, 2, 3, 1), y):
            place.copy_(part)
        return y.permute(0, 3, 1, 2)

    @staticmethod
    def backward(_, gradient):
        n, channels, height, width = gradient.shape
        of_x = gradient.new_zeros(n, height // 2 + 1, width // 2 + 1, 4 * channels)
        for part, place in Interleave.parts(of_x, gradient.permute(0, 2, 3, 1)):
            part.copy_(place)
        return of_x.permute(0, 3, 1, 2)


def convolve_upsampled(x, weight):
    """A 3x3 convolution of x upsampled twofold. Of three taps in a row two always meet the same pixel of x: the last
    two for the first of two outputs, the first two for the second."""

    def phases(a, b, c):
        return (a, b + c), (a + b, c)

    kernels = []
    for rows in phases(*weight.unbind(2)):
        for columns in phases(*torch.stack(rows, 2).unbind(3)):
            kernels.append(torch.stack(columns, 3))
    kernels = torch.cat(kernels).contiguous(memory_format=torch.channels_last)
    return Interleave.apply(F.conv2d(x, kernels, padding=1))


class ConvNorm(nn.Sequential):
    """Convolution, batch norm, activation."""

    def forward(self, x):
        conv, norm, activation = self
        return activation(conv.normalised(norm, x))


def conv_bn_relu6(inputs, outputs, kernel, stride=1, groups=1):
    conv = Convolution(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return ConvNorm(conv, nn.BatchNorm2d(outputs), Relu6())


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        layers = [conv_bn_relu6(inputs, wide, 1)] if expansion != 1 else []
        layers += [conv_bn_relu6(wide, wide, 3, stride, wide), Convolution(wide, outputs, 1, bias=False)]
        self.conv = nn.Sequential(*layers, nn.BatchNorm2d(outputs))

    def forward(self, x):
        *wide, project, norm = self.conv
        y = x
        for layer in wide:
            y = layer(y)
        y = project.normalised(norm, y)
        return x + y if self.residual else y


class Encoder(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        features, channels = [conv_bn_relu6(inputs, 32, 3, 2)], 32
        for expansion, outputs, repeats, stride in STAGES:
            for k in range(repeats):
                features.append(InvertedResidual(channels, outputs, stride if k == 0 else 1, expansion))
                channels = outputs
        features.append(conv_bn_relu6(channels, 1280, 1))
        self.features = nn.Sequential(*features)

    def forward(self, x):
        skips = []
        for i, feature in enumerate(self.features):
            x = feature(x)
            if i in SKIP_AFTER:
                skips.append(x)
        return x, skips


class DecoderBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = self.conv_bn_relu(inputs, outputs)
        self.conv2 = self.conv_bn_relu(outputs, outputs)

    @staticmethod
    def conv_bn_relu(inputs, outputs):
        conv = Convolution(inputs, outputs, 3, padding=1, bias=False)
        return ConvNorm(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))

    def forward(self, x, skip):
        conv, norm, relu = self.conv1
        if norm.training:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            return self.conv2(self.conv1(x if skip is None else torch.cat([x, skip], 1)))
        weight, bias = conv.folded(norm)
        parts = [x] if skip is None else [x, skip]
        if conv.rounding:
            parts, weight = conv.rounding(parts, weight, conv.groups)
        weights = weight.split([part.shape[1] for part in parts], 1)
        y = convolve_upsampled(parts[0], weights[0])
        y = y + (bias.view(1, -1, 1, 1) if skip is None else F.conv2d(parts[1], weights[1], bias, padding=1))
        return self.conv2(relu(y))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        below, skips = (1280,) + DECODER[:-1], (96, 32, 24, 16, 0)
        self.blocks = nn.ModuleList(DecoderBlock(b + s, o) for b, s, o in zip(below, skips, DECODER))

    def forward(self, x, skips):
        for block, skip in zip(self.blocks, skips[::-1] + [None]):
            x = block(x, skip)
        return x


class Unet(nn.Module):
    """(n, inputs, h, w) -> (n, classes, h, w); h and w are multiples of 32."""

    def __init__(self, inputs=13, classes=4):
        super().__init__()
        self.encoder, self.decoder = Encoder(inputs), Decoder()
        self.segmentation_head = nn.Sequential(Convolution(DECODER[-1], classes, 3, padding=1))

    def forward(self, x):
        return self.segmentation_head(self.decoder(*self.encoder(x)))


# Which colour of the ImageNet stem a Sentinel-2 band starts from (0 red, 1 green, 2 blue).
STEM_COLOUR = [2, 2, 1, 0, 0, 1, 1, 1, 1, 1, 2, 0, 0]


def start_from_imagenet(model, path, calibration):
    """Encoder weights from a batch-norm-folded torchvision MobileNetV2 (npz: NAME.weight, NAME.bias).

    The folded bias has no place in a convolution followed by batch norm, so each batch norm is set to the identity on
    `calibration` plus that bias: gamma = std, beta = mean + bias of what reaches it. Decoder and head stay random.
    The stem spreads its three colours over 13 bands.
    """
    modules = dict(model.encoder.named_modules())
    conv_of = {}  # batch norm -> its folded bias, None in the stem: ImageNet's bias belongs to another input scale
    with np.load(path) as z:
        for name in (n[: -len(".weight")] for n in z.files if n.startswith("features.") and n.endswith(".weight")):
            weight = torch.from_numpy(z[name + ".weight"])
            parent, index = name.rsplit(".", 1)
            if name == "features.0.0":
                share = np.bincount(STEM_COLOUR, minlength=3)[STEM_COLOUR]
                weight = weight[:, STEM_COLOUR] * 4 / torch.from_numpy(share).float().view(1, -1, 1, 1)
            modules[name].weight.data.copy_(weight)
            norm = modules[f"{parent}.{int(index) + 1}"]
            conv_of[norm] = None if name == "features.0.0" else torch.from_numpy(z[name + ".bias"])

    start_norms(model, conv_of, calibration)
    return model


def start_norms(model, folded_bias, calibration):
    """Sets batch norms to the identity on `calibration` plus a folded bias: {norm: bias, None for one half}."""

    def calibrate(norm, args):
        mean = args[0].mean((0, 2, 3))
        var = args[0].var((0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)
        bias = folded_bias[norm]
        if bias is not None:
            norm.weight.data.copy_(torch.sqrt(var + norm.eps))
            norm.bias.data.copy_(mean + bias.to(mean.device))
        else:
            norm.bias.data.fill_(0.5)

    hooks = [norm.register_forward_pre_hook(calibrate) for norm in folded_bias]
    usual = [(norm, norm.momentum) for norm in folded_bias]
    for norm in folded_bias:
        norm.momentum = 0  # statistics stay as the hook sets them
    model.train()  # which keeps norms apart from convolutions
    with torch.no_grad():
        model(calibration)
    model.eval()
    for norm, momentum in usual:
        norm.momentum = momentum
    for hook in hooks:
        hook.remove()
