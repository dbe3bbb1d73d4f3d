// SPDX-License-Identifier: Apache-2.0
// Codestreams by hand: headers that no encoder would write, with a few bytes of packets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/host/jp2_maker.h"
#include "tests/jp2/jp2_support.h"

namespace dtacs::test {

struct CodestreamMaker {
  struct Component {
    unsigned bits = 8, dx = 1, dy = 1;
    bool is_signed = false;
  };
  unsigned width = 1, height = 1, tile_width = 1, tile_height = 1;
  unsigned x0 = 0, y0 = 0;  // of the image and of its tiles
  std::vector<Component> components = {{}};
  unsigned layers = 1, levels = 0;
  unsigned block_width_log2 = 2, block_height_log2 = 2;
  std::string more = {};  // main header segments after QCD

  static std::string segment(unsigned marker, const std::string& body) {
    return be(marker, 2) + be(body.size() + 2, 2) + body;
  }
  std::string cod() const {
    return segment(0xff52, be(0, 1) + be(0, 1) + be(layers, 2) + be(0, 1) + be(levels, 1) +
                               be(block_width_log2 - 2, 1) + be(block_height_log2 - 2, 1) + be(0, 1) + be(1, 1));
  }
  std::string qcd() const { return segment(0xff5c, "\x40" + std::string(3 * levels + 1, '\x40')); }

  std::string header() const {
    std::string siz = be(0, 2);
    for (const unsigned v : {x0 + width, y0 + height, x0, y0, tile_width, tile_height, x0, y0}) siz += be(v, 4);
    siz += be(components.size(), 2);
    for (const Component& c : components)
      siz += be((c.bits - 1) | (c.is_signed ? 0x80u : 0u), 1) + be(c.dx, 1) + be(c.dy, 1);
    return be(0xff4f, 2) + segment(0xff51, siz) + cod() + qcd() + more;
  }
  static std::string tile_part(unsigned tile, const std::string& packets, const std::string& segments = {}) {
    return be(0xff90, 2) + be(10, 2) + be(tile, 2) + be(14 + segments.size() + packets.size(), 4) + be(1, 2) +
           segments + be(0xff93, 2) + packets;
  }
  // All tiles with the same packets.
  Bytes file(const std::string& packets, const std::string& segments = {}) const {
    std::string s = header();
    const unsigned tiles = ((width + tile_width - 1) / tile_width) * ((height + tile_height - 1) / tile_height);
    for (unsigned t = 0; t < tiles; ++t) s += tile_part(t, packets, segments);
    return bytes(s + be(0xffd9, 2));
  }
  static Bytes bytes(const std::string& s) {
    const auto* p = reinterpret_cast<const std::byte*>(s.data());
    return Bytes(p, p + s.size());
  }
};

}  // namespace dtacs::test
