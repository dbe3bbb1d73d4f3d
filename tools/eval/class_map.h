// SPDX-License-Identifier: Apache-2.0
// What the codes of somebody else's mask mean in our classes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace dtacs {

struct ClassMap {
  std::array<std::uint8_t, 256> to{};  // a class, or kIgnored

  std::uint8_t operator[](float code) const;                     // kIgnored for what is no code
  ClassMap without(const std::optional<double>& no_data) const;  // this code is none
};

// A name, or pairs CODE:CLASS with commas between them, where codes that are not named are
// not counted:
//   cloudsen12   0 clear, 1 thick cloud, 2 thin cloud, 3 cloud shadow: ours
//   scl          Sen2Cor: 8, 9 thick cloud; 10 thin; 3 shadow; 2, 4..7, 11 clear; 0, 1 not counted
//   fmask        0, 1, 3 (land, water, snow) clear; 4 thick cloud; 2 shadow
//   s2cloudless  0 clear, 1 thick cloud
//   ukis         1, 2, 3 clear; 4 thick cloud; 0 shadow
// Throws Failure(usage).
ClassMap parse_class_map(const std::string& text);

}  // namespace dtacs
