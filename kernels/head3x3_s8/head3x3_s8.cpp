// SPDX-License-Identifier: Apache-2.0
#include "kernels/head3x3_s8/head3x3_s8.h"

#include "kernels/panel_s8.h"

namespace dtacs {

namespace {

constexpr Head3x3S8Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512VNNI
    {"avx512vnni", isa::avx512vnni, head3x3_s8_avx512vnni, 0},
#endif
#ifdef DTACS_WITH_AVXVNNI
    {"avxvnni", isa::avxvnni, head3x3_s8_avxvnni, 0},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, head3x3_s8_avx2, 0},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, head3x3_s8_sse41, 0},
#endif
#ifdef DTACS_WITH_I8MM
    {"i8mm", isa::i8mm, head3x3_s8_i8mm, 0},
#endif
#ifdef DTACS_WITH_DOTPROD
    {"dotprod", isa::dotprod, head3x3_s8_dotprod, 128},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, head3x3_s8_neon, 128},
#endif
    {"scalar", isa::none, head3x3_s8_scalar, 0},
};

}  // namespace

constexpr Family<Head3x3S8Kernel> head3x3_s8{"head3x3_s8", kKernels, sizeof kKernels / sizeof *kKernels};

// Output by output: bias, weights [i][j][c].
std::size_t packed_size_head3x3_s8(int outputs) noexcept {
  return static_cast<std::size_t>(outputs) * (4 + 9 * kHead3x3S8Channels);
}

void pack_head3x3_s8(const Head3x3S8Kernel& kernel, const Head3x3S8Weights& s, std::byte* packed) noexcept {
  for (int n = 0; n < s.outputs; ++n) {
    const auto tap = [&](int c, int t) { return s.w[(n * kHead3x3S8Channels + c) * 9 + t]; };
    PanelWriter output(n, 1, s.outputs, packed);
    output.per_output<std::int32_t>([&](int) {
      std::int32_t sum = 0;
      for (int c = 0; c < kHead3x3S8Channels; ++c)
        for (int t = 0; t < 9; ++t) sum += tap(c, t);
      return s.b[n] + kernel.offset * sum;
    });
    for (int t = 0; t < 9; ++t)
      output.weights<std::int8_t>(kHead3x3S8Channels, 1, [&](int, int c) { return tap(c, t); });
    packed = output.end();
  }
}

}  // namespace dtacs
