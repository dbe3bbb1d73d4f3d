// SPDX-License-Identifier: Apache-2.0
// Weights files.  Their checksums are made right first, or nothing behind them is reached.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "io/crc32c.h"
#include "tests/fuzz/target.h"
#include "weights/weights_file.h"
#include "weights/weights_layout.h"

namespace dtacs::fuzz {
namespace {

using namespace weights_v1;

std::uint64_t number(const std::byte* p, int size) {
  std::uint64_t v = 0;
  for (int i = size; i-- > 0;) v = v << 8 | static_cast<std::uint64_t>(p[i]);
  return v;
}
void put(std::byte* p, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<std::byte>(v >> (8 * i));
}

void make_right(std::span<std::byte> file) {
  if (file.size() < kHeaderBytes) return;
  const std::uint64_t tensors = number(file.data() + kHeadTensors, 4);
  for (std::uint64_t i = 0; i < tensors && i < kMaxTensors && kHeaderBytes + (i + 1) * kTensorBytes <= file.size();
       ++i) {
    std::byte* const r = file.data() + kHeaderBytes + i * kTensorBytes;
    const std::uint64_t at = number(r + kTensorData, 8), size = number(r + kTensorDataBytes, 8);
    if (at <= file.size() && size <= file.size() - at)
      put(r + kTensorCrc, crc32c(file.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(size))));
  }
  put(file.data() + kHeadCrc, 0);
  put(file.data() + kHeadCrc, crc32c(file));
}

struct Freed {
  void operator()(std::byte* p) const { std::free(p); }
};

}  // namespace

DTACS_FUZZ_TARGET(weights) {
  // A tensor table may name the same bytes thousands of times.
  if (in.size() > 1 << 14) return;
  const std::unique_ptr<std::byte, Freed> block(
      static_cast<std::byte*>(std::aligned_alloc(kAlign, in.size() / kAlign * kAlign + kAlign)));
  const std::span<std::byte> file(block.get(), in.size());
  if (!in.empty()) std::memcpy(file.data(), in.data(), in.size());
  make_right(file);
  WeightsFile weights;
  if (WeightsFile::open(file, weights) != Status::ok) return;
  for (int i = 0; i < weights.tensor_count(); ++i) {
    const TensorView t = weights.tensor(i);
    require(weights.find(t.name).bytes.data() == t.bytes.data(), "to find every tensor by its name");
    if (is_integer(t.dtype)) continue;
    std::vector<float> values(t.count());
    t.to_f32(values.data());
    for (const float v : values) require(std::isfinite(v), "finite values");
  }
  for (int i = 0; i < weights.meta_count(); ++i)
    require(weights.meta(weights.meta_key(i)) == weights.meta_value(i), "to find every key");
}

}  // namespace dtacs::fuzz
