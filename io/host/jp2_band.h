// SPDX-License-Identifier: Apache-2.0
// A JPEG 2000 file on disk as a band: rows of 16-bit words, top to bottom.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "io/host/product.h"
#include "io/jp2/jp2.h"

namespace dtacs {

// A block on an Arena::kAlign boundary that grows, which loses what is in it.
class GrowingBlock {
 public:
  bool reserve(std::size_t size) noexcept;  // false: not that much memory; then it is empty
  std::span<std::byte> bytes() const noexcept { return {block_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* p) const noexcept { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> block_;
  std::size_t size_ = 0;
};

struct Jp2Options {
  PixelWindow window = {};  // in pixels of the reduced component
  int reduce = 0;           // resolution levels to drop
  Parallel parallel = Parallel::serial();
  int component = 0;
  IsaSet isa = detect_isa();
  bool strict = true;  // a damaged file is an error; else what is missing decodes as zero coefficients
  std::shared_ptr<GrowingBlock> workspace = {};  // to decode in; bands that share one are read one at a time
  std::size_t memory_limit = sizeof(void*) == 4 ? std::size_t{1} << 30 : std::size_t{4} << 30;
};

class Jp2Band final : public BandReader {
 public:
  // Throws Failure: missing_input; usage (no such component or resolution, or the window
  // reaches outside); bad_data (damaged); unsupported (no JPEG 2000 file, or the message
  // names the feature); memory_cap with the bytes needed.
  Jp2Band(const std::string& path, const Jp2Options& options);
  Jp2Band(const std::string& path, const BandOptions& options)
      : Jp2Band(path, Jp2Options{.window = options.window, .parallel = options.parallel, .isa = options.isa}) {}
  ~Jp2Band() override;

  int width() const override;
  int height() const override;
  int bits() const;
  bool is_signed() const;  // samples are then in two's complement

  void read_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride) override;
  std::size_t memory() const override;
  std::size_t memory_of_call() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dtacs
