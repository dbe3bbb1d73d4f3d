// SPDX-License-Identifier: Apache-2.0
// The loop over one instruction set's multiply-add.  Include it where there are
//
//   Sum, Factor                  registers of sums and of factors
//   kSums                        how many sums: enough to hide the latency of what they add, and few enough to leave
//                                registers for the rest
//   Sum add(Sum, Factor, Factor)
//   DTACS_ON                     the attribute that lets a function use the instruction set; undefined at the end
//
// It is text and no template, as a template does not take on the instruction set of where it is used.

DTACS_ON void loop() noexcept {
  Sum sums[kSums] = {};
  Factor x = {}, y = {};
#pragma GCC unroll 16  // else they lie in memory
  for (Sum& s : sums) DTACS_OPAQUE(s);
  for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 16
    for (Sum& s : sums) {
      DTACS_OPAQUE(x);  // no product serves two sums
      DTACS_OPAQUE(y);
      s = add(s, x, y);
      DTACS_OPAQUE(s);
    }
  }
}
#undef DTACS_ON
