// SPDX-License-Identifier: Apache-2.0
// Against PyTorch itself: real crops, realistic weights, converted checkpoints.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "net/padding.h"
#include "tests/host/temp_folder.h"
#include "tests/net/converted.h"
#include "tests/net/streaming.h"
#include "tests/support/tools.h"

namespace dtacs::test {

namespace {

const std::string kScenes[] = {shared_data("golden/T31TDH_20150726_crop300_nearest10m.npz"),
                               shared_data("golden/sen12mscr_ROIs1868_summer_s2_cloudy_19_p30.npz")};

// The scene padded by reflection, as the product's scene reader feeds it.
Image padded_scene(const std::vector<std::uint16_t>& dn, int bands, int height, int width) {
  const Padding rows = padding_for(height), columns = padding_for(width);
  Image image = {padded_size(height), padded_size(width), bands, {}};
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int b = 0; b < bands; ++b) {
        const int sy = reflect(y - rows.before, height), sx = reflect(x - columns.before, width);
        image.values.push_back(static_cast<float>(dn[static_cast<std::size_t>((b * height + sy) * width + sx)]) /
                               10000.0f);
      }
  return image;
}

}  // namespace

TEST_CASE("unet: every activation equals PyTorch's on a real crop, any size") {
  DTACS_NEEDS_DATA("weights/encoder_init");
  DTACS_NEEDS_TOOL("python3-torch", std::string(kPython) + " -c 'import torch, numpy'");
  const TempFolder folder;
  REQUIRE(succeeds(std::string(kPython) + " '" DTACS_SOURCE_DIR "/tests/net/make_torch_case.py' '" +
                   shared_data("weights/encoder_init/mobilenet_v2_imagenet_bnfolded_dequantised_fp32.npz") + "' '" +
                   kScenes[0] + "' " + folder.path()));
  const Converted net(folder.path() + "/model.pt");
  REQUIRE(net.good);
  const Net graph = unet_of(net.model);
  std::int64_t pixels = 0, agree = 0;
  for (const auto& [height, width] : {std::pair{288, 300}, {75, 101}, {33, 31}}) {
    const std::string of_size = folder.path() + "/" + std::to_string(height) + "x" + std::to_string(width) + "/";
    const Image input = padded_scene(read_array<std::uint16_t>(of_size + "input.u16"), 13, height, width);
    const Streamed got = run_streaming(graph, net.weights, input, 16, 2, detect_isa());
    double worst = 0, logits_error = 0;
    for (int i = 0; i < graph.layer_count; ++i) {
      const Layer& l = graph.layers[i];
      if (l.inner) continue;
      const auto want = read_array<float>(of_size + l.key.text + ".f32");
      const auto& values = got.tensors[static_cast<std::size_t>(l.out)];
      REQUIRE(want.size() == values.size());
      double error = 0, power = 0;
      for (std::size_t k = 0; k < want.size(); ++k) {
        const double d = static_cast<double>(values[k]) - static_cast<double>(want[k]);
        error += d * d;
        power += static_cast<double>(want[k]) * static_cast<double>(want[k]);
      }
      INFO(std::string(l.key.text));
      CHECK(std::sqrt(error / power) <= 1e-4);
      worst = std::max(worst, std::sqrt(error / power));
      logits_error = std::sqrt(error / power);  // of the last layer
    }
    CHECK(logits_error <= 1e-5);
    MESSAGE(height, "x", width, ": largest relative rms of a layer ", worst, ", of the logits ", logits_error);
    const auto logits = read_array<float>(of_size + "head.f32");
    for (std::size_t p = 0; p < got.classes.size(); ++p) {
      const float* first = logits.data() + 4 * p;
      agree += std::max_element(first, first + 4) - first == got.classes[p];
      ++pixels;
    }
  }
  CHECK(static_cast<double>(agree) >= 0.9999 * static_cast<double>(pixels));
}

TEST_CASE("correction: the released checkpoints give the reference's output on real scenes") {
  DTACS_NEEDS_DATA("golden");
  DTACS_NEEDS_DATA("weights/dtacsnet");
  DTACS_NEEDS_TOOL("python3-numpy", std::string(kPython) + " -c 'import numpy'");
  for (const std::string& scene : kScenes) {
    const TempFolder folder;
    REQUIRE(succeeds(std::string(kPython) + " -c 'import numpy as np; d = np.load(\"" + scene + "\"); [d[k].tofile(\"" +
                     folder.path() + "/\" + k) for k in d.files]'"));
    const auto dn = read_array<std::uint16_t>(folder.path() + "/dn");
    const std::size_t pixels = dn.size() / 13;
    for (const char* name :
         {"CNN_corrector", "CNN_corrector_phisat2", "CNN_corrector_planetscope", "CNN_corrector_probav", "linear"}) {
      const Converted net(shared_data("weights/dtacsnet/") + name + ".pt");
      REQUIRE(net.good);
      const auto pixel_net = std::make_unique<PixelNet>();
      REQUIRE(bind_pixel_net(net.weights, net.model, *pixel_net) == Status::ok);
      const Model& m = net.model;
      const auto want = read_array<float>(folder.path() + "/" + name);
      REQUIRE(want.size() == pixels * static_cast<std::size_t>(m.outputs));
      for (const PixelNetKernel& kernel : pixelnet_u16) {
        if (!runs_on(kernel.needs, detect_isa())) continue;
        std::vector<std::uint16_t> out(want.size());
        const float offset[kPixelNetMaxBands] = {};
        PixelNetArgs args = {.in = {},
                             .out = {},
                             .offset = offset,
                             .quantification = 10000.0f,
                             .w1 = pixel_net->w1,
                             .b1 = pixel_net->b1,
                             .w2 = pixel_net->w2,
                             .b2 = pixel_net->b2,
                             .residual = m.kind == NetKind::linear ? nullptr : m.residual,
                             .pixels = static_cast<std::ptrdiff_t>(pixels),
                             .inputs = m.inputs,
                             .hidden = pixel_net->hidden,
                             .outputs = m.outputs};
        for (int c = 0; c < m.inputs; ++c) args.in[c] = dn.data() + static_cast<std::size_t>(m.input_bands[c]) * pixels;
        for (int k = 0; k < m.outputs; ++k) args.out[k] = out.data() + static_cast<std::size_t>(k) * pixels;
        kernel.run(args);
        // The golden floats are the exact network; a DN next to an integer may truncate to its neighbour.
        std::size_t wrong = 0, differs = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
          const double y = std::min(std::max(static_cast<double>(want[i]), 0.0), 2.0) * 10000.0;
          wrong += out[i] > y + 1e-5 * 10000 || out[i] < y - 1.0 - 1e-5 * 10000;
        }
        INFO(std::string(name), " ", std::string(kernel.name));
        CHECK(wrong == 0);
        if (std::string(name) != "CNN_corrector") continue;
        const auto exact = read_array<std::uint16_t>(folder.path() + "/CNN_corrector_uint16");
        int largest = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
          largest = std::max(largest, std::abs(out[i] - exact[i]));
          differs += out[i] != exact[i];
        }
        CHECK(largest <= 1);
        MESSAGE(std::string(kernel.name), ": ", differs, " of ", out.size(), " values differ by 1 DN");
      }
    }
  }
}

}  // namespace dtacs::test
