// SPDX-License-Identifier: Apache-2.0
// What one core can reach: an instruction set's multiply-adds from registers alone, of
// float32 or of bytes into 32 bits.  The ceiling that kernels are measured against.
#pragma once

#include "kernels/isa.h"

namespace dtacs {

struct PeakLoop {
  const char* isa;  // a name of kIsaNames
  double ops;       // of one call; a multiply-add counts as two
  void (*run)() noexcept;
};

// The loop of the most capable instruction set in `isa` that there is a loop of: none of AMX, whose networks are
// measured against AVX-512 VNNI's.
const PeakLoop& peak_loop(IsaSet isa, bool int8) noexcept;

}  // namespace dtacs
