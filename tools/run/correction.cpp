// SPDX-License-Identifier: Apache-2.0
#include "tools/run/correction.h"

#include <algorithm>

#include "io/host/failure.h"

namespace dtacs {

Correction::Correction(const LoadedWeights& weights, const Scene& scene, IsaSet isa, int workers, int rows,
                       int first_row, int band)
    : scene_(scene), isa_(isa), model_(weights.model), rows_(model_.is_unet() ? 1 : rows) {
  if (model_.is_unet()) {
    unet_ = std::make_unique<UnetStage>(weights.name, weights.weights, model_, scene, isa, workers, first_row, band);
  } else {
    pixel_net_ = std::make_unique<PixelNet>();
    if (bind_pixel_net(weights.weights, model_, *pixel_net_) != Status::ok)
      throw Failure(Exit::bad_weights, weights.name + ": tensors a0, a1 are missing or do not fit " +
                                           std::to_string(model_.inputs) + " bands in and " +
                                           std::to_string(model_.outputs) + " out");
  }
}

std::size_t Correction::values() const {
  return static_cast<std::size_t>(rows_) * static_cast<std::size_t>(model_.outputs) *
         static_cast<std::size_t>(scene_.width());
}

void Correction::prepare() {
  corrected_.resize(values());
  if (unet_) unet_->prepare();
}

std::size_t Correction::memory() const {
  return values() * sizeof(std::uint16_t) + (unet_ ? unet_->memory() : sizeof(PixelNet));
}

std::uint16_t* Correction::row(int i, int output) {
  return corrected_.data() + (std::ptrdiff_t{i} * model_.outputs + output) * scene_.width();
}

void Correction::advance(const Parallel& parallel, int from, const OnRow& on_row) {
  const auto hand_out = [&](int y, int i) {
    std::uint16_t* rows[kPixelNetMaxBands] = {};
    for (int m = 0; m < model_.outputs; ++m) rows[m] = row(i, m);
    on_row(y, rows);
  };
  if (unet_) {
    unet_->advance(parallel, [&](int y, const float* logits, const std::uint8_t*) {
      if (y < from) return;
      if (logits != nullptr) subtract(y, logits);
      hand_out(y, 0);
    });
    return;
  }
  for (int y = from; y < scene_.rows_read(); y += rows_) {
    const int count = std::min(rows_, scene_.rows_read() - y);
    correct_pixels(parallel, y, count);
    for (int i = 0; i < count; ++i) hand_out(y + i, i);
  }
}

void Correction::correct_pixels(const Parallel& parallel, int from, int count) {
  const PixelNetKernel& kernel = pixelnet_u16.best(isa_);
  float offset[kPixelNetMaxBands] = {};
  int slots[kPixelNetMaxBands] = {};
  for (int c = 0; c < model_.inputs; ++c) {
    slots[c] = scene_.slot(model_.input_bands[c]);
    offset[c] = scene_.add_offset(slots[c]);
  }
  parallel.for_each(count, [&](int i, int) noexcept {
    if (!scene_.any_valid(from + i)) return;
    PixelNetArgs args = {.in = {},
                         .out = {},
                         .offset = offset,
                         .quantification = scene_.quantification(),
                         .w1 = pixel_net_->w1,
                         .b1 = pixel_net_->b1,
                         .w2 = pixel_net_->w2,
                         .b2 = pixel_net_->b2,
                         .residual = model_.kind == NetKind::linear ? nullptr : model_.residual,
                         .pixels = scene_.width(),
                         .inputs = model_.inputs,
                         .hidden = pixel_net_->hidden,
                         .outputs = model_.outputs};
    for (int c = 0; c < model_.inputs; ++c) args.in[c] = scene_.row(slots[c], from + i);
    for (int m = 0; m < model_.outputs; ++m) args.out[m] = row(i, m);
    kernel.run(args);
  });
}

// A U-Net says what the atmosphere added.
void Correction::subtract(int y, const float* logits) {
  for (int m = 0; m < model_.outputs; ++m) {
    const int slot = scene_.slot(model_.output_bands[m]);
    const std::uint16_t* dn = scene_.row(slot, y);
    const float offset = scene_.add_offset(slot), quantification = scene_.quantification();
    std::uint16_t* out = row(0, m);
    for (std::ptrdiff_t x = 0; x < scene_.width(); ++x) {
      const float before = (static_cast<float>(dn[x]) + offset) / quantification;
      out[x] = reflectance_to_dn(before - logits[x * model_.outputs + m]);
    }
  }
}

}  // namespace dtacs
