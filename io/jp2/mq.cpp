// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/mq.h"

#include "io/jp2/mq_table.h"

namespace dtacs::jp2 {
namespace {

constexpr MqContext state(int i) {
  const MqRow& r = kMqRows[i / 2];
  const unsigned mps = static_cast<unsigned>(i) & 1u;
  return static_cast<MqContext>(r.qe) << 48 | static_cast<MqContext>(2u * r.lps + (mps ^ r.turn)) << 16 |
         static_cast<MqContext>(2u * r.mps + mps) << 8 | mps;
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
