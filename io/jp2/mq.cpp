// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/mq.h"

namespace dtacs::jp2 {
namespace {

// T.800 table C.2: Qe, next state after an MPS, after an LPS, whether an LPS turns the MPS round.
struct Row {
  std::uint16_t qe;
  std::uint8_t mps, lps, turn;
};
constexpr Row kRows[47] = {
    {0x5601, 1, 1, 1},   {0x3401, 2, 6, 0},   {0x1801, 3, 9, 0},   {0x0ac1, 4, 12, 0},  {0x0521, 5, 29, 0},
    {0x0221, 38, 33, 0}, {0x5601, 7, 6, 1},   {0x5401, 8, 14, 0},  {0x4801, 9, 14, 0},  {0x3801, 10, 14, 0},
    {0x3001, 11, 17, 0}, {0x2401, 12, 18, 0}, {0x1c01, 13, 20, 0}, {0x1601, 29, 21, 0}, {0x5601, 15, 14, 1},
    {0x5401, 16, 14, 0}, {0x5101, 17, 15, 0}, {0x4801, 18, 16, 0}, {0x3801, 19, 17, 0}, {0x3401, 20, 18, 0},
    {0x3001, 21, 19, 0}, {0x2801, 22, 19, 0}, {0x2401, 23, 20, 0}, {0x2201, 24, 21, 0}, {0x1c01, 25, 22, 0},
    {0x1801, 26, 23, 0}, {0x1601, 27, 24, 0}, {0x1401, 28, 25, 0}, {0x1201, 29, 26, 0}, {0x1101, 30, 27, 0},
    {0x0ac1, 31, 28, 0}, {0x09c1, 32, 29, 0}, {0x08a1, 33, 30, 0}, {0x0521, 34, 31, 0}, {0x0441, 35, 32, 0},
    {0x02a1, 36, 33, 0}, {0x0221, 37, 34, 0}, {0x0141, 38, 35, 0}, {0x0111, 39, 36, 0}, {0x0085, 40, 37, 0},
    {0x0049, 41, 38, 0}, {0x0025, 42, 39, 0}, {0x0015, 43, 40, 0}, {0x0009, 44, 41, 0}, {0x0005, 45, 42, 0},
    {0x0001, 45, 43, 0}, {0x5601, 46, 46, 0},
};

constexpr MqContext state(int i) {
  const Row& r = kRows[i / 2];
  const unsigned mps = static_cast<unsigned>(i) & 1u;
  return static_cast<MqContext>(r.qe) << 48 | static_cast<MqContext>(i) << 24 |
         static_cast<MqContext>(2u * r.lps + (mps ^ r.turn)) << 16 | static_cast<MqContext>(2u * r.mps + mps) << 8 |
         mps;
}

}  // namespace

constinit const MqContext kMqStates[94] = {
    state(0),  state(1),  state(2),  state(3),  state(4),  state(5),  state(6),  state(7),  state(8),  state(9),
    state(10), state(11), state(12), state(13), state(14), state(15), state(16), state(17), state(18), state(19),
    state(20), state(21), state(22), state(23), state(24), state(25), state(26), state(27), state(28), state(29),
    state(30), state(31), state(32), state(33), state(34), state(35), state(36), state(37), state(38), state(39),
    state(40), state(41), state(42), state(43), state(44), state(45), state(46), state(47), state(48), state(49),
    state(50), state(51), state(52), state(53), state(54), state(55), state(56), state(57), state(58), state(59),
    state(60), state(61), state(62), state(63), state(64), state(65), state(66), state(67), state(68), state(69),
    state(70), state(71), state(72), state(73), state(74), state(75), state(76), state(77), state(78), state(79),
    state(80), state(81), state(82), state(83), state(84), state(85), state(86), state(87), state(88), state(89),
    state(90), state(91), state(92), state(93),
};

MqDecoder::Refilled MqDecoder::refill_slowly(std::uint64_t c, int ahead, const std::uint8_t* at,
                                             const std::uint8_t* end, unsigned previous, int missing) noexcept {
  while (ahead < 40) {
    if (at == end || (previous == 0xff && *at > 0x8f)) {  // a marker ends the data as well
      c += std::uint64_t{0xff} << (40 - ahead);
      ahead += 8;
      ++missing;
    } else if (previous == 0xff) {
      previous = *at++;
      c += static_cast<std::uint64_t>(previous) << (41 - ahead);
      ahead += 7;
    } else {
      previous = *at++;
      c += static_cast<std::uint64_t>(previous) << (40 - ahead);
      ahead += 8;
    }
  }
  return {c, at, ahead, missing, previous};
}

}  // namespace dtacs::jp2
