// SPDX-License-Identifier: Apache-2.0
#include "net/row_plan.h"

namespace dtacs {

namespace {

// Three rows of an expanded block and the one made of them.
constexpr int kExpandedBytes = 256 << 10;

constexpr std::ptrdiff_t round_up(std::ptrdiff_t n) noexcept {
  constexpr auto kLine = static_cast<std::ptrdiff_t>(Arena::kAlign);
  return (n + kLine - 1) / kLine * kLine;
}

std::byte* alloc(Arena& arena, std::ptrdiff_t bytes) noexcept {
  return arena.alloc<std::byte>(static_cast<std::size_t>(bytes));
}

// Too many to count, as 32 bits may have it, are too many for any arena.
std::byte* alloc(Arena& arena, std::ptrdiff_t pitch, int rows) noexcept {
  const auto bytes = static_cast<std::size_t>(pitch), n = static_cast<std::size_t>(rows);
  return arena.alloc<std::byte>(n > Arena::kMost / bytes ? Arena::kMost : bytes * n);
}

void fill(std::byte* p, std::ptrdiff_t n, std::uint8_t value) noexcept {
  for (std::ptrdiff_t i = 0; i < n; ++i) p[i] = static_cast<std::byte>(value);
}

}  // namespace

void RowPlan::bind_net(const Net& net, const StreamOptions& options, const Pace& pace) noexcept {
  net_ = net;
  for (Layer& l : net_.layers) l.inner = l.inner && !options.keep_inner;
  options_ = options;
  pace_ = pace;
}

std::size_t RowPlan::bind_stages(const Cutting& cutting, Arena& arena) noexcept {
  columns_ = cutting.columns;
  stage_count_ = 0;
  std::ptrdiff_t scratch = 0;
  for (LayerRange layers = net_.stage(0); layers.begin < net_.layer_count; layers = net_.stage(layers.end)) {
    Stage& stage = stages_[stage_count_++];
    stage = {};
    stage.layers = layers;
    const Layer& l = net_.layers[layers.end - 1];
    stage.area = static_cast<int>(cutting.job_macs / net_.macs_per_pixel(l));
    stage.area = stage.area < cutting.least_area ? cutting.least_area : stage.area;
    if (layers.end - layers.begin == 1) continue;
    const Layer& dw = net_.layers[layers.end - 2];
    const int width = width_of(l.out), wide_pixel = pixel_bytes_[dw.out];
    const int fit = kExpandedBytes / (wide_pixel * (3 * dw.stride + 1));
    stage.blocks = cut(1, width, fit < cutting.least_expanded ? cutting.least_expanded : fit, options_.workers).runs;
    const std::ptrdiff_t columns = (width + stage.blocks - 1) / stage.blocks;
    scratch = columns * wide_pixel > scratch ? columns * wide_pixel : scratch;
    if (layers.end - layers.begin < 3) continue;  // expands nothing
    stage.row_pitch = round_up((columns * dw.stride + 2) * wide_pixel);
    const std::ptrdiff_t size = 3 * stage.row_pitch * stage.blocks;
    stage.expanded = alloc(arena, size);
    if (arena.fits()) fill(stage.expanded, size, zero_[dw.in]);
  }
  return static_cast<std::size_t>(scratch);
}

void RowPlan::bind_rings(std::size_t scratch, Arena& arena) noexcept {
  scratch_pitch_ = round_up(static_cast<std::ptrdiff_t>(scratch));
  scratch_ = scratch_pitch_ == 0 ? nullptr : alloc(arena, scratch_pitch_, options_.workers);

  const Schedule schedule = make_schedule(net_, options_.height, options_.band, pace_);
  lag_ = schedule.lag;
  std::ptrdiff_t margin = 0, body = 0;  // of padding
  std::uint8_t other_zero = 0;
  const auto widen_padding = [&](std::ptrdiff_t m, std::ptrdiff_t b) {
    margin = m > margin ? m : margin;
    body = b > body ? b : body;
  };
  for (int t = 0; t < net_.tensor_count; ++t) {
    other_zero = zero_[t] != 0 ? zero_[t] : other_zero;
    const int rows = schedule.ring_rows[t];
    if (rows == 0) continue;
    const std::ptrdiff_t bytes = pixel_bytes_[t], width = width_of(t);
    const std::ptrdiff_t left = round_up(bytes);  // keeps pixel 0 on a cache line
    const std::ptrdiff_t pitch = left + round_up(width * bytes + bytes);
    std::byte* block = alloc(arena, pitch, rows);
    rings_[t] = {block + (block != nullptr ? left : 0), pitch, rows};
    widen_padding(left, pitch - left);
    if (arena.fits()) fill(block, pitch * rows, zero_[t]);
  }
  for (int i = 0; i < stage_count_; ++i)
    if (stages_[i].row_pitch != 0)
      widen_padding(pixel_bytes_[net_.layers[stages_[i].layers.begin].out], stages_[i].row_pitch);
  for (int k = 0; k < (other_zero != 0 ? 2 : 1); ++k) {
    std::byte* padding = alloc(arena, margin + body);
    if (!arena.fits()) continue;
    fill(padding, margin + body, k == 0 ? 0 : other_zero);
    padding_[k] = padding + margin;
  }
  start();
}

void RowPlan::start() noexcept {
  progress_ = {};
  for (RowRange& m : made_) m = {};
}

}  // namespace dtacs
