// SPDX-License-Identifier: Apache-2.0
// A kernel family is one function signature with one contract and several
// implementations.  Its implementations are listed, best first, in one constant
// array that selection, tests and benchmarks all walk.
#pragma once

#include <cstddef>

#include "kernels/isa.h"

namespace dtacs {

// Kernel: whatever a caller needs to use one implementation.  At least
//   const char* name;   // the ISA suffix, "avx2"
//   IsaSet needs;
template <class Kernel>
struct Family {
  const char* name;       // "dwconv3x3_f32"
  const Kernel* kernels;  // best first; the last one is the scalar reference
  std::size_t count;

  constexpr const Kernel* begin() const noexcept { return kernels; }
  constexpr const Kernel* end() const noexcept { return kernels + count; }
  constexpr const Kernel& reference() const noexcept { return kernels[count - 1]; }

  // The first listed kernel this machine can run.
  constexpr const Kernel& best(IsaSet has) const noexcept {
    for (const Kernel& k : *this)
      if (runs_on(k.needs, has)) return k;
    return reference();
  }
};

}  // namespace dtacs
