// SPDX-License-Identifier: Apache-2.0
// Sums of products in AMX's tiles; include it inside an anonymous namespace after s8_avx512vnni.inl and block_s8.inl.
//
// A tile is 16 rows of 64 bytes: the inputs of 16 pixels, four inputs of 16 outputs a row, or 16 sums of 16 pixels.
// Weights as other variants have them, [k / 4][output][k % 4], but each run of them is padded with zeros to whole
// tiles.

constexpr int kTileRows = 16, kTileBytes = 64, kTilePixels = 2 * kTileRows;

constexpr std::ptrdiff_t whole_tiles(std::ptrdiff_t bytes) {
  return (bytes + kTileBytes - 1) / kTileBytes * kTileBytes;
}

// Tiles are part of a thread's state: a kernel says what shape they have, and releases them, which keeps switches of
// threads cheap.
class TileUse {
 public:
  TileUse() {
    struct alignas(64) {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } shapes;
    asm volatile("ldtilecfg %0" : : "m"(shapes));
  }
  ~TileUse() { asm volatile("tilerelease"); }
  TileUse(const TileUse&) = delete;
  TileUse& operator=(const TileUse&) = delete;
};

template <int T>
inline void tile_zero() {
  asm volatile("tilezero %%tmm%c0" : : "i"(T));
}
template <int T>
inline void tile_load(const void* p, std::ptrdiff_t pitch) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(pitch), "i"(T) : "memory");
}
template <int T>
inline void tile_store(void* p, std::ptrdiff_t pitch) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(pitch), "i"(T) : "memory");
}
// Sum += the products of unsigned X and signed W.
template <int Sum, int X, int W>
inline void tile_dot() {
  asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sum), "i"(X), "i"(W));
}

// Of at most kTilePixels pixels, V * kLanes outputs: tiles 0 to 3, row of tiles by row.
template <int V>
class TileSums {
 public:
  // after: pixels that follow these in memory.
  TileSums(std::ptrdiff_t pixels, std::ptrdiff_t after) : pixels_(pixels), after_(after) {}

  void set_zero() const {
    tile_zero<0>();
    tile_zero<1>();
    tile_zero<2>();
    tile_zero<3>();
  }

  // The sums over `bytes` bytes of in + p * step times the weights, as Block has them.
  void accumulate(const std::uint8_t* in, std::ptrdiff_t step, const std::int8_t* w, std::ptrdiff_t bytes) const {
    const bool padded = pixels_ % kTileRows == 0 && after_ * step >= whole_tiles(bytes) - bytes;
    for (std::ptrdiff_t k = 0; k < bytes; k += kTileBytes, w += kTileBytes * kPanel) {
      const bool exist = padded || (pixels_ % kTileRows == 0 && k + kTileBytes <= bytes);
      tile_load<6>(w, 4 * kPanel);
      if constexpr (V == 2) tile_load<7>(w + 4 * kLanes, 4 * kPanel);
      inputs<4>(in + k, step, 0, bytes - k, exist);
      tile_dot<0, 4, 6>();
      if constexpr (V == 2) tile_dot<1, 4, 7>();
      if (pixels_ <= kTileRows) continue;
      inputs<5>(in + k, step, kTileRows, bytes - k, exist);
      tile_dot<2, 5, 6>();
      if constexpr (V == 2) tile_dot<3, 5, 7>();
    }
  }

  struct Stored {
    alignas(64) std::int32_t of[kTilePixels][kPanel];
  };
  void keep(Stored& to) const {
    constexpr std::ptrdiff_t kPitch = sizeof(*to.of);
    tile_store<0>(to.of[0], kPitch);
    if constexpr (V == 2) tile_store<1>(to.of[0] + kLanes, kPitch);
    if (pixels_ <= kTileRows) return;
    tile_store<2>(to.of[kTileRows], kPitch);
    if constexpr (V == 2) tile_store<3>(to.of[kTileRows] + kLanes, kPitch);
  }

  // As store_block() does: of sum(pixel, v), which are a vector's.
  template <class Sum>
  void store_bytes(const std::int32_t* multipliers, std::uint8_t* out, std::ptrdiff_t step, int outputs,
                   const Sum& sum) const {
    constexpr int kPixels = 4 / V;
    Multiplier m[V];
    for (int v = 0; v < V; ++v) m[v] = load_multiplier(multipliers + v * kLanes);
    for (std::ptrdiff_t p = 0; p < pixels_; p += kPixels, out += kPixels * step) {
      const std::ptrdiff_t last = pixels_ - 1 - p;
      Vec scaled[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) scaled[i] = scale(sum(p + (i / V < last ? i / V : last), i % V), m[i % V]);
      store_pixels<kPixels>(out, step, bytes4(scaled), last + 1, outputs);
    }
  }

 private:
  // Not all of a tile's bytes may be there to be read: then by way of a copy.
  template <int T>
  void inputs(const std::uint8_t* in, std::ptrdiff_t step, std::ptrdiff_t first, std::ptrdiff_t bytes,
              bool exist) const {
    in += first * step;
    if (exist) return tile_load<T>(in, step);
    alignas(64) std::uint8_t copy[kTileRows][kTileBytes];
    const int some = bytes < kTileBytes ? static_cast<int>(bytes) : kTileBytes;
    for (int r = 0; r < kTileRows; ++r) store(copy[r], first + r < pixels_ ? load_bytes(in + r * step, some) : zero());
    tile_load<T>(copy, kTileBytes);
  }

  std::ptrdiff_t pixels_, after_;
};
