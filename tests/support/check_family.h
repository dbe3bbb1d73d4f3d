// SPDX-License-Identifier: Apache-2.0
// Every variant of a family against its scalar reference, over the suite's
// shapes and every fill, on guarded buffers.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <set>
#include <string>

#include "tests/support/amx.h"
#include "tests/support/breadcrumb.h"
#include "tests/support/suite.h"

namespace dtacs::test {

// DTACS_SEED replays a failure; the seed is part of every failure message.
inline std::uint64_t seed() {
  static const std::uint64_t s = [] {
    const char* e = std::getenv("DTACS_SEED");
    return e != nullptr ? std::strtoull(e, nullptr, 0) : 1u;
  }();
  return s;
}

template <KernelSuite S>
void check_family() {
  const auto& family = S::family();
  const IsaSet has = tested_isa();
  std::set<std::string> ran, skipped, failed;
  int cases = 0;
  for (const auto& shape : S::test_shapes()) {
    for (const Fill fill : kFills) {
      typename S::Case want(shape, seed(), fill);
      want.run(family.reference());
      for (const auto& kernel : family) {
        const std::string name = kernel.name;
        if (!runs_on(kernel.needs, has)) {
          skipped.insert(name);
          continue;
        }
        if (failed.count(name) != 0) continue;  // one report per variant is enough
        ran.insert(name);
        ++cases;
        const std::string doing = std::string(family.name) + "_" + name + "  " + S::describe(shape) + "  fill " +
                                  to_string(fill) + "  DTACS_SEED=" + std::to_string(seed());
        breadcrumb.drop(doing);
        INFO(doing);
        typename S::Case got(shape, seed(), fill);
        got.run(kernel);
        std::string why = S::disagreement(got, want);
        if (!got.intact()) why = "wrote in front of a buffer";
        CHECK_MESSAGE(why.empty(), why);
        if (!why.empty()) failed.insert(name);
      }
    }
  }
  std::string line = std::string(family.name) + ":";
  for (const auto& n : ran) line += " " + n;
  for (const auto& n : skipped) line += " (" + n + " not on this machine)";
  MESSAGE(line, ", ", cases, " cases");
}

}  // namespace dtacs::test
