// SPDX-License-Identifier: Apache-2.0
// The contexts of a block as the group kernels keep them, and what their tables are made of.
#pragma once

#include "io/jp2/mq_table.h"

namespace dtacs::jp2 {

// Contexts are fields of two words: 0 .. 8 of the first zero coding; of the second 0 .. 4
// sign, 5 run length, 6 .. 8 refinement.  The uniform one never changes.
constexpr int kField = 7;
constexpr int kRunLength = 5 * kField, kAlone = 6 * kField, kBeside = 7 * kField, kAgain = 8 * kField;
constexpr unsigned long long kUniform = 2 * 46;

// Table D.1 by the numbers of significant neighbours.
constexpr int zero_coding_context(bool hh, int h, int v, int d) {
  if (hh) {
    const int hv = h + v;
    return d >= 3 ? 8 : d == 2 ? (hv >= 1 ? 7 : 6) : d == 1 ? (hv >= 2 ? 5 : 3 + hv) : hv >= 2 ? 2 : hv;
  }
  if (h == 2) return 8;
  if (h == 1) return v >= 1 ? 7 : d >= 1 ? 6 : 5;
  return v >= 1 ? 2 + v : d >= 2 ? 2 : d;
}
// Tables D.2 and D.3: the field's shift, and kFlip.
constexpr int kFlip = 64;
constexpr int sign_coding(int h, int v) {
  h = h < -1 ? -1 : h > 1 ? 1 : h;
  v = v < -1 ? -1 : v > 1 ? 1 : v;
  const bool flip = h < 0 || (h == 0 && v < 0);
  if (flip) {
    h = -h;
    v = -v;
  }
  return kField * (h == 0 ? v : 3 + v) + (flip ? kFlip : 0);
}
// A state and the one after it, as what they differ in.
constexpr int to_next(int state, bool lps) {
  const MqRow& r = kMqRows[state / 2];
  const int mps = state % 2;
  return state ^ (lps ? 2 * r.lps + (mps ^ r.turn) : 2 * r.mps + mps);
}

}  // namespace dtacs::jp2
