// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3x3_s8/conv3x3_s8.h"

#include "kernels/panel_s8.h"
#include "kernels/requantise.h"

namespace dtacs {

namespace {

constexpr Conv3x3S8Kernel kKernels[] = {
#ifdef DTACS_WITH_AMXINT8
    {"amxint8", isa::amxint8, conv3x3_s8_amxint8, 32, 4, 0, 64},
#endif
#ifdef DTACS_WITH_AVX512VNNI
    {"avx512vnni", isa::avx512vnni, conv3x3_s8_avx512vnni, 32, 4, 0, 1},
#endif
#ifdef DTACS_WITH_AVXVNNI
    {"avxvnni", isa::avxvnni, conv3x3_s8_avxvnni, 16, 4, 0, 1},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, conv3x3_s8_avx2, 16, 4, 0, 1},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, conv3x3_s8_sse41, 8, 4, 0, 1},
#endif
#ifdef DTACS_WITH_I8MM
    {"i8mm", isa::i8mm, conv3x3_s8_i8mm, 8, 8, 0, 1},
#endif
#ifdef DTACS_WITH_DOTPROD
    {"dotprod", isa::dotprod, conv3x3_s8_dotprod, 8, 4, 128, 1},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, conv3x3_s8_neon, 8, 4, 128, 1},
#endif
    {"scalar", isa::none, conv3x3_s8_scalar, 8, 4, 0, 1},
};

// The taps that meet pixel k of an axis: [first, last].
struct Taps {
  int first, last;
};
constexpr Taps taps_of(int parity, int k) noexcept {
  if (parity == 0) return k == 0 ? Taps{0, 0} : Taps{1, 2};
  return k == 0 ? Taps{0, 1} : Taps{2, 2};
}

// f(channels, pixels, weight(n, c)) for each matrix that one position of a source is multiplied with, in the order of
// packing, until one is false.  `pixels` of them side by side are a run, which ends with this one; or 0.
template <class F>
bool all_kernels(const Conv3x3S8Weights& s, F&& f) noexcept {
  for (int position = 0; position < 16; ++position) {
    const int py = position >> 3, px = position >> 2 & 1, k = position >> 1 & 1, l = position & 1;
    if (!f(s.half_channels, l == 1 ? 2 : 0, [&](int n, int c) { return s.phase(n, py, px, k, l, c); })) return false;
  }
  for (int tap = 0; tap < 9; ++tap)
    if (!f(s.full_channels, tap % 3 == 2 ? 3 : 0,
           [&](int n, int c) { return s.tap(n, s.half_channels + c, tap / 3, tap % 3); }))
      return false;
  return true;
}

}  // namespace

constexpr Family<Conv3x3S8Kernel> conv3x3_s8{"conv3x3_s8", kKernels, sizeof kKernels / sizeof *kKernels};

int Conv3x3S8Weights::phase(int n, int py, int px, int k, int l, int c) const noexcept {
  const Taps rows = taps_of(py, k), columns = taps_of(px, l);
  int sum = 0;
  for (int i = rows.first; i <= rows.last; ++i)
    for (int j = columns.first; j <= columns.last; ++j) sum += tap(n, c, i, j);
  return (sum + (sum >> 1 & 1)) >> 1;
}

bool exact_conv3x3_s8(const Conv3x3S8Weights& s) noexcept {
  return all_kernels(s, [&](int channels, int, auto&& weight) {
    for (int n = 0; n < s.outputs; ++n)
      for (int c = 0; c < channels; c += 2) {
        const int a = weight(n, c), b = weight(n, c + 1);
        if (a < -127 || a > 127 || b < -127 || b > 127 || !pair_fits(a, b)) return false;
      }
    return true;
  });
}

// Panel by panel: biases [y][x][output] (equal but for the offset), multipliers, phases
// [y][x][k][l][c / group][output][c % group], taps [i][j][c / group][output][c % group]; of wide weights all
// high parts before all low ones.
std::size_t packed_size_conv3x3_s8(const Conv3x3S8Kernel& k, int half_channels, int full_channels, int outputs,
                                   bool wide) noexcept {
  const auto panel = static_cast<std::size_t>(k.panel);
  const auto panels = (static_cast<std::size_t>(outputs) + panel - 1) / panel;
  return panels * panel *
         (20 + 8 * padded_run(2 * static_cast<std::size_t>(half_channels), k.multiple) +
          (wide ? 6 : 3) * padded_run(3 * static_cast<std::size_t>(full_channels), k.multiple));
}

void pack_conv3x3_s8(const Conv3x3S8Kernel& kernel, const Conv3x3S8Weights& s, std::byte* packed) noexcept {
  for (int first = 0; first < s.outputs; first += kernel.panel) {
    PanelWriter panel(first, kernel.panel, s.outputs, packed);
    for (int phase = 0; phase < 4; ++phase)
      panel.per_output<std::int32_t>([&](int n) {
        std::int32_t sum = 0;
        for (int c = 0; kernel.offset != 0 && c < s.half_channels; ++c)
          for (int k = 0; k < 4; ++k) sum += s.phase(n, phase >> 1, phase & 1, k >> 1, k & 1, c);
        for (int c = 0; kernel.offset != 0 && c < s.full_channels; ++c)
          for (int tap = 0; tap < 9; ++tap) sum += s.tap(n, s.half_channels + c, tap / 3, tap % 3);
        return s.b[n] + kernel.offset * sum;
      });
    panel.per_output<std::int32_t>([&](int n) { return s.m[n]; });
    for (int part = s.wide != nullptr ? 0 : 2; part < (s.wide != nullptr ? 2 : 3); ++part)
      all_kernels(s, [&](int channels, int run, auto&& weight) {
        panel.weights<std::int8_t>(channels, kernel.group, [&](int n, int c) {
          const int w = weight(n, c);
          return part == 0 ? wide_high(w) : part == 1 ? wide_low(w) : w;
        });
        panel.pad(static_cast<std::size_t>(run) * static_cast<std::size_t>(channels), kernel.multiple);
        return true;
      });
    packed = panel.end();
  }
}

}  // namespace dtacs
