// SPDX-License-Identifier: Apache-2.0
// Do the digital numbers look as if the metadata's offset were wrong?  Copies of
// products exist whose offset of baseline 04.00 (+1000 in the data, -1000 in the
// metadata) was removed from one of the two only.
//
// Over valid pixels.  No offset applied: the darkest percent of B02 or B12 above
// 900 DN, or a median of B10 (cirrus, near 0 over clear land) above 800, is more
// than a scene with any clear pixel shows.  An offset applied: the darkest percent of
// B02 below 200 DN is less than the sky alone scatters.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "io/bands.h"
#include "io/host/state_archive.h"

namespace dtacs {

class RadiometryCheck {
 public:
  // A row of one band after the offset was applied, any order of rows.
  void add(int band, const std::uint16_t* row, const std::uint8_t* valid, int width, float offset) {
    const int which = band == kB02 ? 0 : band == kB10 ? 1 : band == kB12 ? 2 : -1;
    if (which < 0) return;
    auto& bins = bins_[static_cast<std::size_t>(which)];
    for (int x = 0; x < width; x += 4) {
      if (valid[x] == 0) continue;
      const int dn = static_cast<int>(static_cast<float>(row[x]) + offset);
      ++bins[static_cast<std::size_t>(dn < 0 ? 0 : dn >= kTop ? kTop - 1 : dn)];
    }
  }

  void exchange(StateArchive& state) { state.value(bins_); }

  // One line, or "" when nothing is suspicious.
  std::string warning(bool offset_applied) const {
    if (empty(0)) return "";
    const int b02 = quantile(0, 0.01), b10 = quantile(1, 0.5), b12 = quantile(2, 0.01);
    std::string seen = "1st percentile of B02 " + std::to_string(b02);
    if (!empty(2)) seen += ", of B12 " + std::to_string(b12);
    if (!empty(1)) seen += ", median of B10 " + std::to_string(b10);
    seen += " DN";
    if (!offset_applied && (b02 >= 900 || b10 > 800 || b12 >= 900))
      return "very bright throughout (" + seen + "): overcast, or an offset of -1000 is due; see --offset";
    if (offset_applied && b02 < 200)
      return "darker than the sky alone (" + seen + "): the offset may have been applied already; see --offset";
    return "";
  }

 private:
  static constexpr int kTop = 4096, kB02 = 1, kB10 = 10, kB12 = 12;

  bool empty(std::size_t which) const {
    for (const std::int64_t n : bins_[which])
      if (n != 0) return false;
    return true;
  }

  int quantile(std::size_t which, double q) const {
    std::int64_t total = 0, seen = 0;
    for (const std::int64_t n : bins_[which]) total += n;
    if (total == 0) return 0;
    for (int dn = 0; dn < kTop; ++dn) {
      seen += bins_[which][static_cast<std::size_t>(dn)];
      if (static_cast<double>(seen) >= q * static_cast<double>(total)) return dn;
    }
    return kTop;
  }

  std::array<std::array<std::int64_t, kTop>, 3> bins_ = {};
};

}  // namespace dtacs
