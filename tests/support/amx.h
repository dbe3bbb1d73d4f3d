// SPDX-License-Identifier: Apache-2.0
// AMX for machines without it.  A processor refuses instructions that it lacks, which Linux reports as SIGILL: those
// that kernels/simd/tiles_s8.inl has are done in the handler instead, so that the kernels run, slowly, to the byte.
#pragma once

#include "kernels/isa.h"

namespace dtacs::test {

// What detect_isa() says; with AMX too where only it is missing and can be stood in for.
IsaSet tested_isa();

// For the handler of SIGILL: whether the instruction at `context` (a ucontext_t) was one of AMX's and has been done.
bool stand_in_for_amx(void* context) noexcept;

}  // namespace dtacs::test
