// SPDX-License-Identifier: Apache-2.0
// The kernel over the lanes of an instruction set that adds products of four bytes whatever they are; include it inside
// an anonymous namespace after simd/s8_*.inl.
//
// The three bytes of a column, interleaved, stay in registers for all outputs that the column belongs to.

constexpr int kGroup = 4 * kLanes;  // channels: one byte vector

// Outputs of one group of channels, whose column 0 is the middle one of output 0.
template <bool kWide>
struct Columns {
  const std::uint8_t* rows[3];  // at column 0
  std::ptrdiff_t pitch;         // bytes from column to column
  const std::int32_t* head;
  std::uint8_t* out;
  std::ptrdiff_t step;  // bytes from output to output
  Multiplier multipliers[4];

  using Column = Vec[4];

  // kStep columns from output to output.  `bytes`: channels there are.
  template <int kStep>
  [[gnu::always_inline]] void run(std::ptrdiff_t outputs, int bytes) const {
    Column a, b, c;
    interleave(-1, bytes, a);
    if constexpr (kStep == 1) {
      interleave(0, bytes, b);
      for (std::ptrdiff_t i = 0; i < outputs; i += 3) {
        interleave(i + 1, bytes, c);
        output(i, bytes, a, b, c);
        if (i + 1 == outputs) break;
        interleave(i + 2, bytes, a);
        output(i + 1, bytes, b, c, a);
        if (i + 2 == outputs) break;
        interleave(i + 3, bytes, b);
        output(i + 2, bytes, c, a, b);
      }
    } else {
      for (std::ptrdiff_t i = 0; i < outputs; i += 2) {
        interleave(2 * i, bytes, b);
        interleave(2 * i + 1, bytes, c);
        output(i, bytes, a, b, c);
        if (i + 1 == outputs) break;
        interleave(2 * i + 2, bytes, b);
        interleave(2 * i + 3, bytes, a);
        output(i + 1, bytes, c, b, a);
      }
    }
  }

  void interleave(std::ptrdiff_t column, int bytes, Column& to) const {
    const auto row = [&](int i) { return load_bytes(rows[i] + column * pitch, bytes); };
    interleave4({row(0), row(1), row(2), zero()}, to);
  }

  [[gnu::always_inline]] void output(std::ptrdiff_t i, int bytes, const Column& a, const Column& b,
                                     const Column& c) const {
    const auto* weights = reinterpret_cast<const std::int8_t*>(head + 2 * kGroup);
    Vec scaled[4];
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const auto products = [&](Vec sum, const std::int8_t* w) {
        sum = dot4(sum, a[q], load(w + q * kGroup));
        sum = dot4(sum, b[q], load(w + (4 + q) * kGroup));
        return dot4(sum, c[q], load(w + (8 + q) * kGroup));
      };
      Vec sum = load(head + q * kLanes);
      if constexpr (kWide) sum = add(sum, times128(products(zero(), weights)));
      scaled[q] = scale(products(sum, weights + (kWide ? 12 * kGroup : 0)), multipliers[q]);
    }
    store_interleaved(out + i * step, scaled, bytes);
  }
};

// The outputs from `at` on of the channels from c on, where each takes some pixels.
template <bool kWide>
inline Columns<kWide> columns(const Dwconv3x3S8Args& a, const std::int32_t* head, std::ptrdiff_t at, int c,
                              int pixels) {
  const std::ptrdiff_t channels = a.channels;
  Columns<kWide> columns;
  for (int i = 0; i < 3; ++i) columns.rows[i] = a.rows[i] + (a.x0 + at) * a.stride * channels + c;
  columns.pitch = channels;
  columns.head = head;
  columns.out = a.out + at * channels + c;
  columns.step = pixels * channels;
  for (int q = 0; q < 4; ++q) columns.multipliers[q] = load_multiplier(head + kGroup + q * kLanes);
  return columns;
}

// Inlined twice, so that whole vectors ask no question.
template <int kStep, bool kWide>
inline void run(const Columns<kWide>& columns, std::ptrdiff_t outputs, int bytes) {
  if (bytes >= kGroup)
    columns.template run<kStep>(outputs, kGroup);
  else
    columns.template run<kStep>(outputs, bytes);
}

template <bool kWide>
inline void group(const Dwconv3x3S8Args& a, const std::int32_t* head, int c) {
  const int bytes = a.channels - c;
  if (a.stride == 2) return run<2>(columns<kWide>(a, head, 0, c, 1), a.pixels, bytes);
  // Half a group of channels in all: two pixels side by side, as packing provides.
  const int pairs = 2 * a.channels == kGroup ? a.pixels / 2 : 0;
  if (pairs > 0) run<2>(columns<kWide>(a, head, 0, c, 2), pairs, kGroup);
  if (2 * pairs < a.pixels) run<1>(columns<kWide>(a, head, 2 * pairs, c, 1), a.pixels - 2 * pairs, bytes);
}

inline void dwconv3x3(const Dwconv3x3S8Args& a) {
  const std::byte* packed = a.packed;
  for (int c = 0; c < a.channels; c += kGroup, packed += (a.wide ? 32 : 20) * kGroup) {
    const auto* head = reinterpret_cast<const std::int32_t*>(packed);
    if (a.wide)
      group<true>(a, head, c);
    else
      group<false>(a, head, c);
  }
}
