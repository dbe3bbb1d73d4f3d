// SPDX-License-Identifier: Apache-2.0
#include "net/dtacs.h"

#include <new>

#include "io/arena.h"
#include "io/status.h"
#include "net/int8_plan.h"
#include "net/model.h"
#include "net/padding.h"
#include "net/stream_plan.h"

using namespace dtacs;

// Lies at the start of the caller's memory; everything it points to lies behind it.
struct dtacs_plan {
  Model model;
  dtacs_options options;
  int deep;  // see StreamOptions
  IsaSet isa;
  int pushed, pulled;  // rows of the image

  // A U-Net: one of the two.
  StreamPlan* unet;
  Int8Plan* int8;
  Padding rows, columns;
  std::byte* history;  // (history_rows, inputs, width) values as they were pushed; row y in slot y % history_rows
  int history_rows;
  int lag;
  RowRange ready;  // rows of the padded image that were made and not looked at yet

  // A pixel network.
  PixelNet* pixels;
  std::uint16_t* numbers;  // (inputs, width): pushed reflectance as digital numbers; else nullptr

  std::uint16_t* reflectance;  // (outputs, width) of the last row; nullptr for a classification
};

namespace {

// A build for a small machine may leave U-Nets out: their code, not their API.
#ifdef DTACS_WITHOUT_UNETS
constexpr bool kUnets = false;
#else
constexpr bool kUnets = true;
#endif

constexpr int kMostPixels = 65536, kMostBand = 1024, kMostWorkers = 1024;

constexpr dtacs_status status_of(Status s) noexcept {
  return static_cast<dtacs_status>(s);
}
static_assert(static_cast<int>(Status::ok) == DTACS_OK && static_cast<int>(Status::truncated) == DTACS_TRUNCATED &&
              static_cast<int>(Status::bad_magic) == DTACS_BAD_MAGIC &&
              static_cast<int>(Status::bad_version) == DTACS_BAD_VERSION &&
              static_cast<int>(Status::corrupt) == DTACS_CORRUPT &&
              static_cast<int>(Status::unsupported) == DTACS_UNSUPPORTED &&
              static_cast<int>(Status::wrong_shape) == DTACS_WRONG_SHAPE &&
              static_cast<int>(Status::arena_too_small) == DTACS_MEMORY_TOO_SMALL &&
              static_cast<int>(Status::wrong_base) == DTACS_WRONG_BASE);
static_assert(kPixelNetMaxBands == DTACS_MAX_BANDS);

bool read_isa(const char* name, IsaSet& isa) noexcept {
  if (name == nullptr) {
    isa = detect_isa();
    return true;
  }
  for (const IsaName& known : kIsaNames) {
    int i = 0;
    while (name[i] != '\0' && name[i] == known.name[i]) ++i;
    if (name[i] != known.name[i]) continue;
    isa = known.set;
    return isa == isa::none || runs_on(isa, detect_isa());  // detecting has an effect, see there
  }
  return false;
}

bool read_options(const dtacs_options& given, dtacs_plan& plan) noexcept {
  dtacs_options& o = plan.options;
  o = given;
  if (o.quantification == 0.0f) o.quantification = 10000.0f;
  const auto within = [](int v, int most) { return v >= 1 && v <= most; };
  const auto finite = [](float v) { return v - v == 0.0f; };
  bool all_finite = true;
  for (const float offset : o.offset) all_finite = all_finite && finite(offset);
  if (!within(o.width, kMostPixels) || !within(o.height, kMostPixels)) return false;
  plan.deep = o.band == 0 ? default_deep(padded_size(o.width)) : 0;
  if (o.band == 0) o.band = default_band(padded_size(o.width));
  return within(o.band, kMostBand) && (o.input == DTACS_DIGITAL_NUMBERS || o.input == DTACS_REFLECTANCE) &&
         o.quantification > 0.0f && finite(o.quantification) && all_finite &&
         (o.parallel == nullptr || (o.parallel->run != nullptr && within(o.parallel->workers, kMostWorkers))) &&
         read_isa(o.isa, plan.isa);
}

std::size_t value_bytes(const dtacs_options& o) noexcept {
  return o.input == DTACS_REFLECTANCE ? sizeof(float) : sizeof(std::uint16_t);
}

std::size_t pixels_of(const dtacs_plan& p, int rows) noexcept {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(p.options.width);
}

std::byte* history_row(const dtacs_plan& p, int input, int y) noexcept {
  return p.history + pixels_of(p, y % p.history_rows * p.model.inputs + input) * value_bytes(p.options);
}

float reflectance_at(const dtacs_plan& p, const std::byte* row, int input, int x) noexcept {
  if (p.options.input == DTACS_REFLECTANCE) return reinterpret_cast<const float*>(row)[x];
  const auto dn = static_cast<float>(reinterpret_cast<const std::uint16_t*>(row)[x]);
  return (dn + p.options.offset[input]) / p.options.quantification;
}

template <class Plan>
Status bind_unet(const WeightsFile& weights, Arena& arena, Plan& unet, dtacs_plan& p) noexcept {
  p.rows = padding_for(p.options.height);
  p.columns = padding_for(p.options.width);
  const StreamOptions options = {.width = padded_size(p.options.width),
                                 .height = padded_size(p.options.height),
                                 .band = p.options.band,
                                 .deep = p.deep,
                                 .isa = p.isa,
                                 .workers = p.options.parallel == nullptr ? 1 : p.options.parallel->workers};
  const Status status = Plan::bind(unet_of(p.model), weights, options, arena, unet, nullptr);
  if (status != Status::ok && status != Status::arena_too_small) return status;
  // A step is run as soon as its rows are there, so a band of them is enough; at the top
  // and the bottom, reflection goes back over as many rows as it adds.  A corrector needs its
  // input once more when the result comes out.
  const int reflected = p.rows.before > p.rows.after ? p.rows.before : p.rows.after;
  int keep = p.options.band > reflected ? p.options.band : reflected + 1;
  p.lag = unet.lag() + keep;
  if (!p.model.classifies()) keep = p.lag + 1;
  p.history_rows = keep < p.options.height ? keep : p.options.height;
  p.history = arena.alloc<std::byte>(pixels_of(p, p.history_rows * p.model.inputs) * value_bytes(p.options));
  return Status::ok;
}

// Measuring needs the object as well, but there is nowhere to keep it.
template <class Plan>
[[gnu::noinline]] Status measure_unet(const WeightsFile& weights, Arena& arena, dtacs_plan& p) noexcept {
  Plan unet;
  return bind_unet(weights, arena, unet, p);
}

template <class Plan>
Status make_unet(const WeightsFile& weights, Arena& arena, Plan*& unet, dtacs_plan& p) noexcept {
  unet = arena.alloc<Plan>(1);
  return unet == nullptr ? measure_unet<Plan>(weights, arena, p) : bind_unet(weights, arena, *new (unet) Plan, p);
}

// f(the plan).
template <class F>
auto with_unet(const dtacs_plan& p, F&& f) noexcept {
  return p.int8 != nullptr ? f(*p.int8) : f(*p.unet);
}

[[gnu::noinline]] Status measure_pixels(const WeightsFile& weights, const Model& model) noexcept {
  PixelNet net;
  return bind_pixel_net(weights, model, net);
}

// Takes everything from the arena; plan.model is known even when it does not fit.
dtacs_status make(const void* bytes, std::size_t size, const dtacs_options& options, Arena& arena,
                  dtacs_plan& p) noexcept {
  p = {};
  if (!read_options(options, p)) return DTACS_BAD_OPTION;
  if (reinterpret_cast<std::uintptr_t>(bytes) % Arena::kAlign != 0) return DTACS_MISALIGNED;
  WeightsFile weights;
  Status status = WeightsFile::open({static_cast<const std::byte*>(bytes), size}, weights);
  if (status == Status::ok) status = read_model(weights, p.model);
  if (status != Status::ok) return status_of(status);

  if (p.model.is_unet() && !kUnets) return DTACS_UNSUPPORTED;
  if (kUnets && p.model.is_unet()) {
    status = p.model.int8 ? make_unet(weights, arena, p.int8, p) : make_unet(weights, arena, p.unet, p);
  } else {
    p.pixels = arena.alloc<PixelNet>(1);
    status = p.pixels == nullptr ? measure_pixels(weights, p.model)
                                 : bind_pixel_net(weights, p.model, *new (p.pixels) PixelNet);
    if (p.options.input == DTACS_REFLECTANCE) p.numbers = arena.alloc<std::uint16_t>(pixels_of(p, p.model.inputs));
  }
  if (!p.model.classifies()) p.reflectance = arena.alloc<std::uint16_t>(pixels_of(p, p.model.outputs));
  if (status != Status::ok) return status_of(status);
  return arena.fits() ? DTACS_OK : DTACS_MEMORY_TOO_SMALL;
}

// ---- U-Nets ----

bool can_step(const dtacs_plan& p) noexcept {
  return with_unet(p, [&](const auto& unet) {
    if (unet.finished()) return false;
    const RowRange wanted = unet.wanted();
    const int first = wanted.begin - p.rows.before;
    return highest_reflected(first, first + wanted.count(), p.options.height) < p.pushed;
  });
}

// put(where pixel 0 of the image goes), and the columns beside the image by reflection.
template <class T, class F>
void fill_input(const dtacs_plan& p, T* out, std::ptrdiff_t channels, F&& put) noexcept {
  T* inner = out + p.columns.before * channels;
  put(inner);
  reflect_columns(inner, p.options.width, channels, p.columns);
}

void fill_input(const dtacs_plan& p, int y, StreamPlan& unet) noexcept {
  const int scene_y = reflect(y - p.rows.before, p.options.height);
  fill_input(p, unet.input_row(y), p.model.inputs, [&](float* out) {
    for (int c = 0; c < p.model.inputs; ++c)
      for (std::ptrdiff_t x = 0; x < p.options.width; ++x)
        out[x * p.model.inputs + c] = reflectance_at(p, history_row(p, c, scene_y), c, static_cast<int>(x));
  });
}

void fill_input(const dtacs_plan& p, int y, Int8Plan& unet) noexcept {
  const int scene_y = reflect(y - p.rows.before, p.options.height);
  const std::ptrdiff_t channels = unet.input_channels();
  fill_input(p, unet.input_row(y), channels, [&](std::int16_t* out) {
    pixels_s16_row(unet.pixels(), p.model.inputs, p.options.width, p.options.quantification, out, channels, [&](int c) {
      const std::byte* in = history_row(p, c, scene_y);
      PixelsS16Band band = {.offset = p.options.offset[c]};
      if (p.options.input == DTACS_REFLECTANCE)
        band.reflectance = reinterpret_cast<const float*>(in);
      else
        band.numbers = reinterpret_cast<const std::uint16_t*>(in);
      return band;
    });
  });
}

Parallel parallel_of(const dtacs_plan& p) noexcept {
  const dtacs_parallel* given = p.options.parallel;
  if (given == nullptr) return Parallel::serial();
  return {[](void* self, int jobs, void* context, Parallel::Job* job) noexcept {
            const auto* to = static_cast<const dtacs_parallel*>(self);
            to->run(to->self, jobs, context, job);
          },
          const_cast<dtacs_parallel*>(given), given->workers};
}

void step(dtacs_plan& p) noexcept {
  const Parallel parallel = parallel_of(p);
  p.ready = with_unet(p, [&](auto& unet) {
    const RowRange wanted = unet.wanted();
    parallel.for_each(wanted.count(), [&](int i, int) noexcept { fill_input(p, wanted.begin + i, unet); });
    unet.step(parallel);
    return unet.made(unet.result());
  });
}

// out = x[output bands] - f(x), as a digital number.
void subtract_from_input(dtacs_plan& p, int y, const float* f) noexcept {
  for (int m = 0; m < p.model.outputs; ++m) {
    const int input = p.model.residual[m];
    const std::byte* in = history_row(p, input, y);
    std::uint16_t* out = p.reflectance + pixels_of(p, m);
    for (int x = 0; x < p.options.width; ++x)
      out[x] =
          reflectance_to_dn(reflectance_at(p, in, input, x) - f[static_cast<std::ptrdiff_t>(x) * p.model.outputs + m]);
  }
}

// ---- pixel networks ----

void run_pixels(dtacs_plan& p, const void* const* bands) noexcept {
  const Model& model = p.model;
  PixelNetArgs args = {.in = {},
                       .out = {},
                       .offset = p.options.offset,
                       .quantification = p.options.quantification,
                       .w1 = p.pixels->w1,
                       .b1 = p.pixels->b1,
                       .w2 = p.pixels->w2,
                       .b2 = p.pixels->b2,
                       .residual = model.kind == NetKind::linear ? nullptr : model.residual,
                       .pixels = p.options.width,
                       .inputs = model.inputs,
                       .hidden = p.pixels->hidden,
                       .outputs = model.outputs};
  for (int c = 0; c < model.inputs; ++c) {
    if (p.numbers == nullptr) {
      args.in[c] = static_cast<const std::uint16_t*>(bands[c]);
      continue;
    }
    const auto* in = static_cast<const float*>(bands[c]);
    std::uint16_t* dn = p.numbers + pixels_of(p, c);
    for (int x = 0; x < p.options.width; ++x) {
      const float v = in[x] * p.options.quantification - p.options.offset[c] + 0.5f;
      dn[x] = v > 0.0f ? (v < 65535.0f ? static_cast<std::uint16_t>(v) : std::uint16_t{65535}) : std::uint16_t{0};
    }
    args.in[c] = dn;
  }
  for (int m = 0; m < model.outputs; ++m) args.out[m] = p.reflectance + pixels_of(p, m);
  pixelnet_u16.best(p.isa).run(args);
}

}  // namespace

int32_t dtacs_api_version() {
  return DTACS_API_VERSION;
}

const char* dtacs_describe(dtacs_status status) {
  switch (status) {
    case DTACS_BAD_OPTION: return "an option is out of range, or this machine lacks the instruction set";
    case DTACS_MISALIGNED: return "the weights do not start on a 64-byte boundary";
    case DTACS_NEEDS_ROWS: return "more rows must be pushed first";
    case DTACS_PULL_FIRST: return "finished rows must be pulled first";
    case DTACS_FINISHED: return "all rows of the image have passed";
    default:
      return status >= 0 && status <= DTACS_WRONG_BASE ? describe(static_cast<Status>(status)) : "unknown status";
  }
}

dtacs_status dtacs_measure(const void* weights, size_t weights_bytes, const dtacs_options* options, dtacs_info* info) {
  dtacs_plan p;
  Arena dry;
  static_cast<void>(dry.alloc<dtacs_plan>(1));
  const dtacs_status status = make(weights, weights_bytes, *options, dry, p);
  *info = {};
  if (status != DTACS_MEMORY_TOO_SMALL) return status;
  if (dry.wanted() == Arena::kMost) return DTACS_BAD_OPTION;  // more than there can be
  info->memory_bytes = dry.wanted() + Arena::kAlign - 1;
  info->classifies = p.model.classifies() ? 1 : 0;
  info->inputs = p.model.inputs;
  info->outputs = p.model.outputs;
  for (int i = 0; i < p.model.inputs; ++i) info->input_bands[i] = p.model.input_bands[i];
  for (int i = 0; i < p.model.outputs && !p.model.classifies(); ++i) info->output_bands[i] = p.model.output_bands[i];
  info->lag = !p.model.is_unet() ? 1 : p.lag < p.options.height ? p.lag : p.options.height;
  return DTACS_OK;
}

dtacs_status dtacs_open(const void* weights, size_t weights_bytes, const dtacs_options* options, void* memory,
                        size_t memory_bytes, dtacs_plan** plan) {
  *plan = nullptr;
  const auto at = reinterpret_cast<std::uintptr_t>(memory);
  const std::size_t skip = (Arena::kAlign - at % Arena::kAlign) % Arena::kAlign;
  if (memory == nullptr || memory_bytes < skip) return DTACS_MEMORY_TOO_SMALL;
  Arena arena({static_cast<std::byte*>(memory) + skip, memory_bytes - skip});
  auto* p = arena.alloc<dtacs_plan>(1);
  if (p == nullptr) return DTACS_MEMORY_TOO_SMALL;
  const dtacs_status status = make(weights, weights_bytes, *options, arena, *new (p) dtacs_plan);
  if (status == DTACS_OK) *plan = p;
  return status == DTACS_MEMORY_TOO_SMALL && arena.wanted() == Arena::kMost ? DTACS_BAD_OPTION : status;
}

dtacs_status dtacs_push(dtacs_plan* plan, const void* const* bands) {
  dtacs_plan& p = *plan;
  if (p.pushed == p.options.height) return DTACS_FINISHED;
  if (!kUnets || p.pixels != nullptr) {
    if (p.pulled < p.pushed) return DTACS_PULL_FIRST;
    run_pixels(p, bands);
  } else {
    if (p.ready.count() > 0 || can_step(p)) return DTACS_PULL_FIRST;
    const std::size_t bytes = pixels_of(p, 1) * value_bytes(p.options);
    for (int c = 0; c < p.model.inputs; ++c) __builtin_memcpy(history_row(p, c, p.pushed), bands[c], bytes);
  }
  ++p.pushed;
  return DTACS_OK;
}

dtacs_status dtacs_pull(dtacs_plan* plan, dtacs_row* row) {
  dtacs_plan& p = *plan;
  *row = {};
  if (p.pulled == p.options.height) return DTACS_FINISHED;
  if (kUnets && p.model.is_unet()) {
    // Rows of the padding are made as well, and passed over.
    const auto y = [&] { return p.ready.begin - p.rows.before; };
    while (p.ready.count() == 0 || y() != p.pulled) {
      if (p.ready.count() > 0) {
        ++p.ready.begin;
      } else if (can_step(p)) {
        step(p);
      } else {
        return DTACS_NEEDS_ROWS;
      }
    }
    const int made = p.ready.begin++;
    if (p.model.classifies())
      row->classes = with_unet(p, [&](const auto& unet) { return unet.classes_row(made); }) + p.columns.before;
    else
      subtract_from_input(
          p, p.pulled,
          p.unet->row(p.unet->result(), made) + static_cast<std::ptrdiff_t>(p.columns.before) * p.model.outputs);
  } else if (p.pulled == p.pushed) {
    return DTACS_NEEDS_ROWS;
  }
  if (p.reflectance != nullptr)
    for (int m = 0; m < p.model.outputs; ++m) row->reflectance[m] = p.reflectance + pixels_of(p, m);
  row->y = p.pulled++;
  return DTACS_OK;
}

void dtacs_restart(dtacs_plan* plan) {
  plan->pushed = plan->pulled = 0;
  plan->ready = {};
  if (kUnets && plan->model.is_unet()) with_unet(*plan, [](auto& unet) { unet.start(); });
}
