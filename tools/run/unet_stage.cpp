// SPDX-License-Identifier: Apache-2.0
#include "tools/run/unet_stage.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "io/host/failure.h"
#include "net/settle.h"

namespace dtacs {

// Large pages where there are any: a stage walks over megabytes of weights and rows.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

Block::Block(std::size_t bytes) : size_(bytes) {
  memory_.reset(static_cast<std::byte*>(::operator new(std::max<std::size_t>(bytes, 1), std::align_val_t(kHugePage))));
#ifdef MADV_HUGEPAGE
  madvise(memory_.get(), bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
}

void Block::Free::operator()(std::byte* p) const {
  ::operator delete(p, std::align_val_t(kHugePage));
}

namespace {

// The padded rows before the first multiple of 32 whose scene rows are all there.
int rows_passed(int height, int first_row) {
  if (first_row == 0) return 0;
  const int at = first_row + padding_for(height).before;
  return std::min((at + kSizeMultiple - 1) / kSizeMultiple * kSizeMultiple, padded_size(height));
}

}  // namespace

int UnetStage::first_right(const Model& model, int height, int first_row) {
  if (first_row == 0) return 0;
  return rows_passed(height, first_row) + rows_to_settle(unet_of(model)) - padding_for(height).before;
}

UnetStage::UnetStage(const std::string& name, const WeightsFile& weights, const Model& model, const Scene& scene,
                     IsaSet isa, int workers, int first_row, int band)
    : UnetStage(name, weights, model, scene, isa, workers, first_row, band, false) {}

UnetStage UnetStage::to_look_into(const std::string& name, const WeightsFile& weights, const Model& model,
                                  const Scene& scene, IsaSet isa, int workers) {
  UnetStage stage(name, weights, model, scene, isa, workers, 0, default_band(padded_size(scene.width())), true);
  stage.prepare();
  return stage;
}

UnetStage::UnetStage(const std::string& name, const WeightsFile& weights, const Model& model, const Scene& scene,
                     IsaSet isa, int workers, int first_row, int band, bool keep_inner)
    : scene_(scene),
      name_(name),
      weights_(weights),
      model_(model),
      rows_(padding_for(scene.height())),
      columns_(padding_for(scene.width())),
      passed_(rows_passed(scene.height(), first_row)) {
  for (int c = 0; c < model.inputs; ++c) slots_[c] = scene.slot(model.input_bands[c]);
  options_ = {.width = padded_size(scene.width()),
              .height = padded_size(scene.height()) - passed_,
              .band = band > 0 ? band : default_band(padded_size(scene.width())),
              .deep = band > 0 ? 0 : default_deep(padded_size(scene.width())),
              .isa = isa,
              .workers = workers,
              .keep_inner = keep_inner};
  Arena dry;
  bind(dry);
  if (dry.wanted() == Arena::kMost) throw std::bad_alloc();  // no block is large enough
  memory_ = dry.wanted();
}

void UnetStage::prepare() {
  block_ = Block(memory_);
  Arena arena(block_.bytes());
  bind(arena);
}

void UnetStage::bind(Arena& arena) {
  const Net net = unet_of(model_);
  WeightsMismatch wrong;
  const Status status = model_.int8 ? Int8Plan::bind(net, weights_, options_, arena, int8_, &wrong)
                                    : StreamPlan::bind(net, weights_, options_, arena, plan_, &wrong);
  if (status == Status::ok || status == Status::arena_too_small) return;
  std::string line = name_ + ": tensor " + wrong.tensor;
  const auto dims = [](const std::uint32_t(&d)[4]) {
    std::string text = std::to_string(d[0]);
    for (int i = 1; i < 4 && d[i] != 0; ++i) text += "x" + std::to_string(d[i]);
    return text;
  };
  if (status == Status::unsupported)
    line = name_ + ": the int8 kernels do not cover this network";
  else if (status == Status::corrupt)
    line += " is of another type, or holds values outside what int8 weights may hold";
  else
    line += wrong.missing ? " is missing" : ": expected " + dims(wrong.want) + ", found " + dims(wrong.found);
  throw Failure(Exit::bad_weights, line);
}

bool UnetStage::can_step() const {
  if (model_.int8 ? int8_.finished() : plan_.finished()) return false;
  const RowRange wanted = model_.int8 ? int8_.wanted() : plan_.wanted();
  const int first = wanted.begin + passed_ - rows_.before;
  return highest_reflected(first, first + wanted.count(), scene_.height()) < scene_.filled_rows();
}

// put(scene row, where its first pixel goes), and the columns beside the row by reflection.
template <class T, class F>
void UnetStage::fill_row(T* out, std::ptrdiff_t channels, int y, F&& put) const {
  T* inner = out + columns_.before * channels;
  put(reflect(y + passed_ - rows_.before, scene_.height()), inner);
  reflect_columns(inner, scene_.width(), channels, columns_);
}

void UnetStage::fill(int y) {
  const float quantification = scene_.quantification();
  const int width = scene_.width(), inputs = model_.inputs;
  if (model_.int8) {
    const std::ptrdiff_t channels = int8_.input_channels();
    fill_row(int8_.input_row(y), channels, y, [&](int scene_y, std::int16_t* out) {
      pixels_s16_row(int8_.pixels(), inputs, width, quantification, out, channels, [&](int c) {
        return PixelsS16Band{.numbers = scene_.row(slots_[c], scene_y), .offset = scene_.add_offset(slots_[c])};
      });
    });
  } else {
    fill_row(plan_.input_row(y), inputs, y, [&](int scene_y, float* out) {
      constexpr int kPixels = 64;  // of one band before the next: what they are written to stays in the cache
      for (int begin = 0; begin < width; begin += kPixels)
        for (int c = 0; c < inputs; ++c) {
          const std::uint16_t* dn = scene_.row(slots_[c], scene_y);
          const float offset = scene_.add_offset(slots_[c]);
          for (int x = begin; x < std::min(begin + kPixels, width); ++x)
            out[x * inputs + c] = (static_cast<float>(dn[x]) + offset) / quantification;
        }
    });
  }
}

void UnetStage::step(const Parallel& parallel) {
  const RowRange wanted = model_.int8 ? int8_.wanted() : plan_.wanted();
  parallel.for_each(wanted.count(), [&](int i, int) noexcept { fill(wanted.begin + i); });
  if (model_.int8)
    int8_.step(parallel);
  else
    plan_.step(parallel);
}

}  // namespace dtacs
