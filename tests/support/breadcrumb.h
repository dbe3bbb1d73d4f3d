// SPDX-License-Identifier: Apache-2.0
// The last thing the test process said it was about to do, in a form a signal
// handler may read.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>

namespace dtacs::test {

struct Breadcrumb {
  char text[256] = {};
  std::size_t length = 0;

  void drop(const std::string& s) {
    length = s.size() < sizeof text ? s.size() : sizeof text;
    std::memcpy(text, s.data(), length);
  }
};

extern Breadcrumb breadcrumb;

}  // namespace dtacs::test
