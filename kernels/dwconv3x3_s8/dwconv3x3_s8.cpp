// SPDX-License-Identifier: Apache-2.0
#include "kernels/dwconv3x3_s8/dwconv3x3_s8.h"

#include "kernels/requantise.h"

namespace dtacs {

namespace {

constexpr Dwconv3x3S8Kernel kKernels[] = {
#ifdef DTACS_WITH_AVX512VNNI
    {"avx512vnni", isa::avx512vnni, dwconv3x3_s8_avx512vnni, 64, 0, true},
#endif
#ifdef DTACS_WITH_AVXVNNI
    {"avxvnni", isa::avxvnni, dwconv3x3_s8_avxvnni, 32, 0, true},
#endif
#ifdef DTACS_WITH_AVX2
    {"avx2", isa::avx2, dwconv3x3_s8_avx2, 32, 0, false},
#endif
#ifdef DTACS_WITH_SSE41
    {"sse41", isa::sse41, dwconv3x3_s8_sse41, 16, 0, false},
#endif
#ifdef DTACS_WITH_I8MM
    {"i8mm", isa::i8mm, dwconv3x3_s8_i8mm, 16, 0, true},
#endif
#ifdef DTACS_WITH_DOTPROD
    {"dotprod", isa::dotprod, dwconv3x3_s8_dotprod, 16, 128, true},
#endif
#ifdef DTACS_WITH_NEON
    {"neon", isa::neon, dwconv3x3_s8_neon, 16, 128, false},
#endif
    {"scalar", isa::none, dwconv3x3_s8_scalar, 16, 0, false},
};

template <class T>
std::byte* put(std::byte* to, T value) noexcept {
  __builtin_memcpy(to, &value, sizeof(T));
  return to + sizeof(T);
}

}  // namespace

constexpr Family<Dwconv3x3S8Kernel> dwconv3x3_s8{"dwconv3x3_s8", kKernels, sizeof kKernels / sizeof *kKernels};

// Group by group: biases, multipliers, then a row of weights after the other, or a column, each tap 0, 1, 2 and a zero.
// Of wide weights all high parts stand before all low ones.
// Vectors interleave the bytes of 16 channels into four times 4 channels, so that channel
// 16 block + 4 q + r of a group lies at [q][block][r].  Where all channels fill half a group, they
// stand in it twice, for two neighbouring pixels.
std::size_t packed_size_dwconv3x3_s8(const Dwconv3x3S8Kernel& k, int channels, bool wide) noexcept {
  const auto group = static_cast<std::size_t>(k.group);
  return (static_cast<std::size_t>(channels) + group - 1) / group * group * (8 + (wide ? 24 : 12));
}

void pack_dwconv3x3_s8(const Dwconv3x3S8Kernel& kernel, const Dwconv3x3S8Weights& s, std::byte* to) noexcept {
  const bool wide = s.wide != nullptr;
  const auto weight = [&](int at) -> int { return wide ? s.wide[at] : s.w[at]; };
  const auto part = [&](int p, int at) {
    return !wide ? weight(at) : p == 0 ? wide_high(weight(at)) : wide_low(weight(at));
  };
  for (int first = 0; first < s.channels; first += kernel.group) {
    const auto each = [&](auto&& write) {
      for (int q = 0; q < 4; ++q)
        for (int block = 0; block < kernel.group; block += 16)
          for (int r = 0; r < 4; ++r) {
            const int c = first + block + 4 * q + r;
            write(2 * s.channels == kernel.group ? c % s.channels : c);
          }
    };
    each([&](int c) {
      std::int32_t sum = 0;
      for (int tap = 0; c < s.channels && tap < 9; ++tap) sum += weight(c * 9 + tap);
      to = put<std::int32_t>(to, c < s.channels ? s.b[c] + kernel.offset * sum : 0);
    });
    each([&](int c) { to = put<std::int32_t>(to, c < s.channels ? s.m[c] : 0); });
    for (int p = 0; p < (wide ? 2 : 1); ++p)
      for (int i = 0; i < 3; ++i)
        each([&](int c) {
          for (int j = 0; j < 4; ++j)
            to = put(to, static_cast<std::int8_t>(
                             c < s.channels && j < 3 ? part(p, c * 9 + (kernel.down ? j * 3 + i : i * 3 + j)) : 0));
        });
  }
}

}  // namespace dtacs
