// SPDX-License-Identifier: Apache-2.0
// wavelet_rows.h over vectors of kLanes words, in the compiler's own vector types: their
// arithmetic is that of the elements.  Included by one file for each instruction set, inside
// an anonymous namespace, after it has defined kLanes (1 .. 16, a power of two).

template <class T, int kCount>
struct VectorOf {
  typedef T type __attribute__((vector_size(sizeof(T) * kCount)));
};
template <class T>
struct VectorOf<T, 1> {
  using type = T;
};
// Whole numbers are added as unsigned ones, whose sums wrap.
template <class T, int kCount>
using V = typename VectorOf<std::conditional_t<std::is_same_v<T, float>, float, std::uint32_t>, kCount>::type;

template <int kCount, class T>
inline V<T, kCount> load(const T* p) {
  V<T, kCount> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class W, class T>
inline void store(const W& v, T* p) {
  std::memcpy(p, &v, sizeof v);
}

template <class T, int kCount, int s>
inline V<T, kCount> lifted(V<T, kCount> x, V<T, kCount> left, V<T, kCount> right) {
  if constexpr (kLiftingSteps<T> == 2) {
    using Signed = typename VectorOf<std::int32_t, kCount>::type;
    using Unsigned = V<T, kCount>;
    const Unsigned sum = left + right + (s == 1 ? 2u : 0u);
    const Unsigned step = __builtin_bit_cast(Unsigned, __builtin_bit_cast(Signed, sum) >> (s == 1 ? 2 : 1));
    return s == 1 ? x - step : x + step;
  } else {
    // Table F.4.
    constexpr float k = s == 1   ? 0.443506852043971f
                        : s == 2 ? 0.882911075530934f
                        : s == 3 ? -0.052980118572961f
                                 : -1.586134342059924f;
    return x - k * (left + right);
  }
}

// 9/7: of low and high samples.  1 / kLowScale is 0.812893066.  OpenJPEG, through which most
// Sentinel-2 software and the pixels our references were made from were read, uses 33
// millionths less; with its value results agree to the bit, and stay within T.803's tolerances.
constexpr float kLowScale = 1.230174104914001f, kHighScale = 0.812866211f;

// A low and the high sample behind it, kCount times, from those around them: low(j) and high(j)
// are j places on.
template <class T, int kCount, class Low, class High>
inline void pair(Low low, High high, V<T, kCount>& even, V<T, kCount>& odd) {
  if constexpr (kLiftingSteps<T> == 2) {
    even = lifted<T, kCount, 1>(low(0), high(-1), high(0));
    odd = lifted<T, kCount, 2>(high(0), even, lifted<T, kCount, 1>(low(1), high(0), high(1)));
  } else {
    V<T, kCount> h[5], e[4], o[3];
    for (int j = 0; j < 5; ++j) h[j] = high(j - 2) * kHighScale;
    for (int j = 0; j < 4; ++j) e[j] = lifted<T, kCount, 1>(low(j - 1) * kLowScale, h[j], h[j + 1]);
    for (int j = 0; j < 3; ++j) o[j] = lifted<T, kCount, 2>(h[j + 1], e[j], e[j + 1]);
    for (int j = 0; j < 2; ++j) e[j + 1] = lifted<T, kCount, 3>(e[j + 1], o[j], o[j + 1]);
    even = e[1];
    odd = lifted<T, kCount, 4>(o[1], e[1], e[2]);
  }
}

template <int... I>
struct Indices {};
template <int n, int... I>
struct Count : Count<n - 1, n - 1, I...> {};
template <int... I>
struct Count<0, I...> {
  using type = Indices<I...>;
};

template <class W, class T, int... I>
inline void interleave(const W& even, const W& odd, T* out, Indices<I...>) {
  constexpr int n = sizeof...(I);
  store(__builtin_shufflevector(even, odd, (I / 2 + I % 2 * n)...), out);
  store(__builtin_shufflevector(even, odd, ((I + n) / 2 + I % 2 * n)...), out + n);
}

template <class T>
void join(const JoinArgs<T>& args) noexcept {
  const JoinArgs<T> a = args;
  // In pairs of a low sample and the high one behind it: pair -1 has a high one only.
  const std::int64_t odd = a.odd ? 1 : 0, lows = (a.width + 1 - odd) / 2, highs = a.width - lows - odd;
  const T* const high = a.high + odd;
  const float scale = a.row == a.kLow ? kLowScale : a.row == a.kHigh ? kHighScale : 1.0f;
  const auto scaled = [&](auto v) {
    if constexpr (kLiftingSteps<T> == 4) v *= scale;
    return v;
  };
  if (a.width == 1) {
    const T v = a.odd ? a.high[0] / 2 : a.low[0];
    a.out[0] = scaled(v);
    return;
  }
  const auto at_an_end = [&](std::int64_t i) {
    const auto sample = [&](std::int64_t at) {
      while (at < -odd || at >= a.width - odd) at = at < 0 ? -2 * odd - at : 2 * (a.width - odd - 1) - at;
      return load<1>(at % 2 == 0 ? a.low + at / 2 : high + (at - 1) / 2);
    };
    V<T, 1> e, o;
    pair<T, 1>([&](int j) { return sample(2 * (i + j)); }, [&](int j) { return sample(2 * (i + j) + 1); }, e, o);
    if (i >= 0 && i < lows) store(scaled(e), a.out + odd + 2 * i);
    if (i < highs) store(scaled(o), a.out + odd + 2 * i + 1);
  };
  constexpr std::int64_t reach = kLiftingSteps<T> / 2;
  const std::int64_t end = lows > highs ? lows : highs, first = reach - odd,
                     last = (lows > highs ? highs : lows) - reach;
  std::int64_t i = -odd;
  for (; i < end && (i < first || last - first < kLanes); ++i) at_an_end(i);
  for (; i < last; i += kLanes) {
    if (i > last - kLanes) i = last - kLanes;  // once more what is there
    V<T, kLanes> e, o;
    pair<T, kLanes>([&](int j) { return load<kLanes>(a.low + i + j); },
                    [&](int j) { return load<kLanes>(high + i + j); }, e, o);
    T* const out = a.out + odd + 2 * i;
    if constexpr (kLanes == 1) {
      store(scaled(e), out);
      store(scaled(o), out + 1);
    } else {
      interleave(scaled(e), scaled(o), out, typename Count<kLanes>::type{});
    }
  }
  for (; i < end; ++i) at_an_end(i);
}

template <class T, int first, int last>
void lift_steps(T* const* row, std::int64_t width) {
  for (std::int64_t x = 0; x < width; x += kLanes) {
    V<T, kLanes> below = load<kLanes>(row[first - 1] + x), at = load<kLanes>(row[first] + x);
    const auto step = [&]<int s>(Indices<s>) {
      const V<T, kLanes> above = load<kLanes>(row[s + 1] + x);
      below = lifted<T, kLanes, s>(at, above, below);
      store(below, row[s] + x);
      at = above;
    };
    [&]<int... I>(Indices<I...>) {
      (step(Indices<first + I>{}), ...);
    }
    (typename Count<last - first + 1>::type{});
  }
}

template <class T, int s = 1>
void lift(T* const* row, int first, int last, std::int64_t width) noexcept {
  if (s == 1 && last - first + 1 == kLiftingSteps<T>) return lift_steps<T, 1, kLiftingSteps<T>>(row, width);
  if (first <= s && s <= last) lift_steps<T, s, s>(row, width);
  if constexpr (s < kLiftingSteps<T>) lift<T, s + 1>(row, first, last, width);
}

inline std::uint16_t clipped(std::int32_t v, const PixelRange& r) {
  v = v < r.lowest ? r.lowest : v;
  return static_cast<std::uint16_t>(v > r.highest ? r.highest : v);
}
inline std::uint16_t pixel(std::int32_t v, const PixelRange& r) {
  return clipped(static_cast<std::int32_t>(static_cast<std::uint32_t>(v) + static_cast<std::uint32_t>(r.shift)), r);
}
inline std::uint16_t pixel(float v, const PixelRange& r) {
  // To the nearest integer: adding 1.5 * 2^23 leaves no bits for a fraction.
  constexpr float kRound = 12582912.0f;
  v = v > -1e6f ? v : -1e6f;  // also when it is not a number
  v = v < 1e6f ? v : 1e6f;
  return clipped(static_cast<std::int32_t>((v + kRound) - kRound) + r.shift, r);
}

template <class T>
void pixels(const T* in, std::int64_t width, const PixelRange& range, std::uint16_t* out) noexcept {
  const PixelRange r = range;
  for (std::int64_t x = 0; x < width; ++x) out[x] = pixel(in[x], r);
}

constexpr WaveletOps kOps = {{join<std::int32_t>, lift<std::int32_t>, pixels<std::int32_t>},
                             {join<float>, lift<float>, pixels<float>}};
