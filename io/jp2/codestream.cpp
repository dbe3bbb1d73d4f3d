// SPDX-License-Identifier: Apache-2.0
#include "io/jp2/codestream.h"

#include <cstring>

#include "io/bytes.h"

namespace dtacs::jp2 {
namespace {

enum Marker : std::uint16_t {
  kSOC = 0xff4f,
  kCAP = 0xff50,
  kSIZ = 0xff51,
  kCOD = 0xff52,
  kCOC = 0xff53,
  kTLM = 0xff55,
  kPLM = 0xff57,
  kPLT = 0xff58,
  kCPF = 0xff59,
  kQCD = 0xff5c,
  kQCC = 0xff5d,
  kRGN = 0xff5e,
  kPOC = 0xff5f,
  kPPM = 0xff60,
  kPPT = 0xff61,
  kCRG = 0xff63,
  kCOM = 0xff64,
  kSOT = 0xff90,
  kSOD = 0xff93,
  kEOC = 0xffd9,
};

using Bytes = std::span<const std::byte>;

// Walks marker segments until SOT, SOD, EOC or the end.
struct Segments {
  Bytes codestream;
  std::size_t at;
  std::uint16_t marker = 0;
  Bytes body = {};
  Outcome outcome = {};

  // True: `marker` with `body`.  False: outcome says why, or `marker` at `at` ends the header.
  bool next() noexcept {
    for (;;) {
      Reader r(codestream.subspan(at));
      marker = r.u16be();
      if (!r.ok()) return fail(truncated("the codestream ends inside a header"));
      if (marker == kSOT || marker == kSOD || marker == kEOC) return false;
      if (marker < 0xff00) return fail(corrupt("no marker where a marker segment should begin"));
      if (marker >= 0xff30 && marker <= 0xff3f) {  // reserved, without a body
        at += 2;
        continue;
      }
      const std::size_t length = r.u16be();
      if (!r.ok()) return fail(truncated("the codestream ends inside a header"));
      if (length < 2) return fail(corrupt("a marker segment is shorter than its length field"));
      body = r.take(length - 2);
      if (!r.ok()) return fail(truncated("a marker segment reaches past the end of the codestream"));
      at += 2 + length;
      return true;
    }
  }

 private:
  bool fail(Outcome o) noexcept {
    outcome = o;
    return false;
  }
};

// Payloads of the segments of a kind, which may come in any order, by their indices.
Outcome gather_by_index(Segments s, std::uint16_t kind, const char* twice, std::byte* out) noexcept {
  Bytes payload[256];
  bool seen[256] = {};
  while (s.next()) {
    if (s.marker != kind) continue;
    const auto index = static_cast<std::size_t>(s.body[0]);
    if (seen[index]) return corrupt(twice);
    seen[index] = true;
    payload[index] = s.body.subspan(1);
  }
  for (const Bytes& p : payload) {
    if (!p.empty()) std::memcpy(out, p.data(), p.size());
    out += p.size();
  }
  return {};
}

Outcome named_extension(std::uint16_t marker) noexcept {
  if (marker == kCAP || marker == kCPF) return unsupported("HTJ2K (JPEG 2000 Part 15)");
  if (marker >= 0xff70 && marker <= 0xff7f) return unsupported("JPEG 2000 Part 2 extensions");
  return {};
}

std::uint32_t component_index(Reader& r, std::uint32_t components) noexcept {
  return components < 257 ? r.u8() : r.u16be();
}

// SPcod / SPcoc: levels, block size, style, transformation and precinct sizes.
Outcome read_style(Reader& r, bool own_precincts, Coding& c) noexcept {
  const int levels = r.u8(), width = r.u8() + 2, height = r.u8() + 2, style = r.u8(), transform = r.u8();
  if (!r.ok()) return truncated("COD or COC is too short");
  if (levels > kMaxLevels) return corrupt("more than 32 decomposition levels");
  if (width > 10 || height > 10 || width + height > 12) return corrupt("a code-block size out of range");
  if ((style & 0x40) != 0) return unsupported("HTJ2K (JPEG 2000 Part 15) code-blocks");
  if ((style & 0x80) != 0) return corrupt("a reserved code-block style");
  if (transform > 1) return unsupported("a wavelet of JPEG 2000 Part 2");
  c.levels = static_cast<std::uint8_t>(levels);
  c.block_width_log2 = static_cast<std::uint8_t>(width);
  c.block_height_log2 = static_cast<std::uint8_t>(height);
  c.block_style = static_cast<std::uint8_t>(style);
  c.reversible = transform == 1;
  for (int i = 0; i <= levels; ++i) {
    const int size = own_precincts ? r.u8() : 0xff;
    c.precinct_width_log2[i] = static_cast<std::uint8_t>(size & 15);
    c.precinct_height_log2[i] = static_cast<std::uint8_t>(size >> 4);
    if (i > 0 && ((size & 15) == 0 || size >> 4 == 0)) return corrupt("a precinct of one sample above resolution 0");
  }
  return r.ok() ? Outcome{} : truncated("COD or COC is too short for its precinct sizes");
}

void copy_style(const Coding& from, Coding& to) noexcept {
  to.levels = from.levels;
  to.block_width_log2 = from.block_width_log2;
  to.block_height_log2 = from.block_height_log2;
  to.block_style = from.block_style;
  to.reversible = from.reversible;
  std::memcpy(to.precinct_width_log2, from.precinct_width_log2, sizeof to.precinct_width_log2);
  std::memcpy(to.precinct_height_log2, from.precinct_height_log2, sizeof to.precinct_height_log2);
}

Outcome read_quantisation(Reader& r, Coding& c) noexcept {
  const int head = r.u8();
  if (!r.ok()) return truncated("QCD or QCC is too short");
  c.guard_bits = static_cast<std::uint8_t>(head >> 5);
  c.quantisation = static_cast<std::uint8_t>(head & 31);
  if (c.quantisation > 2) return unsupported("a quantisation of JPEG 2000 Part 2");
  const std::size_t size = c.quantisation == 0 ? 1 : 2;
  std::size_t count = c.quantisation == 1 ? 1 : r.remaining() / size;
  if (count == 0) return truncated("QCD or QCC has no step size");
  if (count > kMaxBands) count = kMaxBands;
  for (std::size_t i = 0; i < count; ++i)
    c.step[i] = size == 1 ? static_cast<std::uint16_t>(r.u8() >> 3 << 11) : r.u16be();
  c.step_count = static_cast<std::uint8_t>(count);
  return r.ok() ? Outcome{} : truncated("QCD or QCC is too short");
}

void copy_quantisation(const Coding& from, Coding& to) noexcept {
  to.guard_bits = from.guard_bits;
  to.quantisation = from.quantisation;
  to.step_count = from.step_count;
  std::memcpy(to.step, from.step, sizeof to.step);
}

Outcome read_progressions(Reader& r, std::uint32_t components, bool begin_anew, Parameters& p) noexcept {
  if (begin_anew) p.progressions = 0;
  while (r.remaining() > 0) {
    if (p.progressions == kMaxProgressions) return unsupported("more than 64 progression changes");
    Progression& v = p.progression[p.progressions++];
    v.resolution_begin = r.u8();
    v.component_begin = component_index(r, components);
    v.layer_end = r.u16be();
    v.resolution_end = r.u8();
    v.component_end = component_index(r, components);
    const int order = r.u8();
    if (!r.ok()) return truncated("POC is too short");
    if (v.component_end == 0) v.component_end = components < 257 ? 256 : kMaxComponents;
    if (v.component_end > components) v.component_end = components;
    if (order > 4) return corrupt("an unknown progression order");
    v.order = static_cast<Order>(order);
  }
  return {};
}

// COD and QCD of one header, kept until its end: a header that repeats them takes no
// longer for it, however many components there are.
struct Defaults {
  bool has_style = false, has_quantisation = false;
  Coding coding;

  void apply(std::uint32_t components, Parameters& p) const noexcept {
    if (!has_style && !has_quantisation) return;
    for (std::uint32_t i = 0; i < components; ++i) {
      if (has_style && !p.coding[i].own_style) copy_style(coding, p.coding[i]);
      if (has_quantisation && !p.coding[i].own_quantisation) copy_quantisation(coding, p.coding[i]);
    }
  }
};

// One of COD, COC, QCD, QCC, RGN, POC; anything else is left alone.
Outcome apply(std::uint16_t marker, Bytes body, std::uint32_t components, bool new_progressions, Parameters& p,
              Defaults& all) noexcept {
  Reader r(body);
  switch (marker) {
    case kCOD: {
      const int flags = r.u8(), order = r.u8();
      p.layers = r.u16be();
      const int mct = r.u8();
      if (!r.ok()) return truncated("COD is too short");
      if (order > 4) return corrupt("an unknown progression order");
      if (p.layers == 0) return corrupt("no quality layers");
      if (mct > 1) return unsupported("a component transform of JPEG 2000 Part 2");
      p.order = static_cast<Order>(order);
      p.sop_markers = (flags & 2) != 0;
      p.eph_markers = (flags & 4) != 0;
      p.multi_component_transform = mct == 1;
      all.has_style = true;
      return read_style(r, (flags & 1) != 0, all.coding);
    }
    case kCOC: {
      const std::uint32_t i = component_index(r, components);
      const int flags = r.u8();
      if (!r.ok()) return truncated("COC is too short");
      if (i >= components) return corrupt("COC names a component that does not exist");
      p.coding[i].own_style = true;
      return read_style(r, (flags & 1) != 0, p.coding[i]);
    }
    case kQCD: all.has_quantisation = true; return read_quantisation(r, all.coding);
    case kQCC: {
      const std::uint32_t i = component_index(r, components);
      if (!r.ok()) return truncated("QCC is too short");
      if (i >= components) return corrupt("QCC names a component that does not exist");
      p.coding[i].own_quantisation = true;
      return read_quantisation(r, p.coding[i]);
    }
    case kRGN: {
      const std::uint32_t i = component_index(r, components);
      const int style = r.u8(), shift = r.u8();
      if (!r.ok()) return truncated("RGN is too short");
      if (i >= components) return corrupt("RGN names a component that does not exist");
      if (style != 0) return unsupported("a region of interest of JPEG 2000 Part 2");
      if (shift > 37) return corrupt("a region of interest shifted by more than 37 bits");
      p.coding[i].roi_shift = static_cast<std::uint8_t>(shift);
      return {};
    }
    case kPOC: return read_progressions(r, components, new_progressions, p);
    default: return named_extension(marker);
  }
}

// What only shows once all segments of a header are read.
Outcome check(std::uint32_t components, const Parameters& p) noexcept {
  for (std::uint32_t i = 0; i < components; ++i) {
    const Coding& c = p.coding[i];
    if (c.quantisation != 1 && c.step_count < 3 * c.levels + 1)
      return corrupt("fewer quantisation steps than sub-bands");
  }
  return {};
}

}  // namespace

Outcome read_size(Bytes codestream, MainHeader& header) noexcept {
  Reader start(codestream);
  if (start.u16be() != kSOC) return corrupt("the codestream does not begin with SOC");
  Segments s{codestream, 2};
  if (!s.next()) return s.outcome.ok() ? corrupt("the main header does not begin with SIZ") : s.outcome;
  if (s.marker != kSIZ) return corrupt("the main header does not begin with SIZ");
  Reader r(s.body);
  const std::uint32_t capabilities = r.u16be();
  Grid& g = header.grid;
  g.image.x1 = r.u32be();
  g.image.y1 = r.u32be();
  g.image.x0 = r.u32be();
  g.image.y0 = r.u32be();
  g.tile_width = r.u32be();
  g.tile_height = r.u32be();
  g.tile_x0 = r.u32be();
  g.tile_y0 = r.u32be();
  header.components = r.u16be();
  if (!r.ok()) return truncated("SIZ is too short");
  if ((capabilities & 0x4000) != 0) return unsupported("HTJ2K (JPEG 2000 Part 15)");
  if ((capabilities & 0x8000) != 0) return unsupported("JPEG 2000 Part 2 extensions");
  if (g.image.empty()) return corrupt("an image without pixels");
  if (g.image.x1 > 0x7fffffffu || g.image.y1 > 0x7fffffffu)
    return unsupported("an image of more than 2^31 columns or rows");
  if (g.tile_width == 0 || g.tile_height == 0) return corrupt("tiles without pixels");
  if (g.tile_x0 > g.image.x0 || g.tile_y0 > g.image.y0) return corrupt("the first tile begins inside the image");
  if (static_cast<std::uint64_t>(g.tile_x0) + g.tile_width <= g.image.x0 ||
      static_cast<std::uint64_t>(g.tile_y0) + g.tile_height <= g.image.y0)
    return corrupt("the first tile lies outside the image");
  g.columns = ceil_div(g.image.x1 - g.tile_x0, g.tile_width);
  g.rows = ceil_div(g.image.y1 - g.tile_y0, g.tile_height);
  if (static_cast<std::uint64_t>(g.columns) * g.rows > 65535) return corrupt("more than 65535 tiles");
  if (header.components == 0 || header.components > kMaxComponents) return corrupt("no components, or more than 16384");
  header.siz_components = s.at - r.remaining();
  for (std::uint32_t i = 0; i < header.components; ++i) {
    const int depth = r.u8(), dx = r.u8(), dy = r.u8();
    if (!r.ok()) return truncated("SIZ is too short for its components");
    if (dx == 0 || dy == 0) return corrupt("a component without samples");
    if ((depth & 127) + 1 > 38) return corrupt("a component of more than 38 bits");
  }

  // The rest is walked here for its structure only, so that sizes are known early.
  header.packed_headers = 0;
  header.has_packed_headers = false;
  while (s.next()) {
    if (s.marker == kSIZ) return corrupt("a second SIZ");
    if (s.marker == kPPM) {
      if (s.body.empty()) return truncated("PPM is too short");
      header.has_packed_headers = true;
      header.packed_headers += s.body.size() - 1;
    }
  }
  if (!s.outcome.ok()) return s.outcome;
  if (s.marker != kSOT) return corrupt("the main header is not followed by a tile-part");
  header.end = s.at;
  return {};
}

Component component(Bytes codestream, const MainHeader& header, std::uint32_t i) noexcept {
  Reader r(codestream.subspan(header.siz_components + 3 * static_cast<std::size_t>(i)));
  const int depth = r.u8();
  Component c;
  c.bits = static_cast<std::uint8_t>((depth & 127) + 1);
  c.is_signed = (depth & 128) != 0;
  c.dx = r.u8();
  c.dy = r.u8();
  return c;
}

Outcome read_parameters(Bytes codestream, MainHeader& header) noexcept {
  Parameters& p = header.parameters;
  std::memset(p.coding, 0, header.components * sizeof(Coding));
  p.progressions = 0;
  Defaults all;
  bool poc = false;
  Segments s{codestream, 2};
  while (s.next()) {
    if (const Outcome o = apply(s.marker, s.body, header.components, !poc, p, all); !o.ok()) return o;
    poc = poc || s.marker == kPOC;
  }
  if (!all.has_style) return corrupt("no COD in the main header");
  if (!all.has_quantisation) return corrupt("no QCD in the main header");
  all.apply(header.components, p);
  return check(header.components, p);
}

Outcome gather_packed_headers(Bytes codestream, std::byte* out) noexcept {
  return gather_by_index({codestream, 2}, kPPM, "two PPM segments of the same index", out);
}

Outcome read_tile_part(Bytes codestream, const MainHeader& header, std::size_t at, bool strict, TilePart& part,
                       bool& at_end) noexcept {
  at_end = true;
  const Bytes rest = codestream.subspan(at);
  if (rest.size() < 2) return {};
  Reader r(rest);
  const std::uint16_t marker = r.u16be();
  if (marker == kEOC) return {};
  const auto damaged = [strict](const char* detail) { return strict ? corrupt(detail) : Outcome{}; };
  if (marker != kSOT) return damaged("neither a tile-part nor EOC after a tile-part");
  const std::uint32_t length = r.u16be();
  part.tile = r.u16be();
  const std::uint64_t size = r.u32be();
  r.u16be();  // TPsot, TNsot: the order in the file is what counts
  if (!r.ok()) return strict ? truncated("the codestream ends inside a tile-part header") : Outcome{};
  if (length != 10) return damaged("SOT of a wrong length");
  if (part.tile >= header.grid.columns * header.grid.rows) return damaged("a tile-part of a tile that does not exist");
  std::uint64_t end = at + size;
  if (size == 0) {  // to the end, without EOC
    end = codestream.size();
    if (rest.size() >= 14 && codestream[codestream.size() - 2] == std::byte{0xff} &&
        codestream[codestream.size() - 1] == std::byte{0xd9})
      end -= 2;
  } else if (size < 14) {
    return damaged("Psot is shorter than a tile-part header");
  }
  if (end > codestream.size()) {
    if (strict) return truncated("Psot points outside the file");
    end = codestream.size();
  }
  part.end = static_cast<std::size_t>(end);
  part.header = at + 12;
  part.sized = size != 0;
  part.overrides = false;
  part.packed_begin = part.packed_end = 0;
  part.packed_bytes = 0;
  Segments s{codestream.first(part.end), part.header};
  while (s.next()) {
    switch (s.marker) {
      case kCOD:
      case kCOC:
      case kQCD:
      case kQCC:
      case kRGN:
      case kPOC: part.overrides = true; break;
      case kPPT:
        if (s.body.empty()) return truncated("PPT is too short");
        part.packed_bytes += static_cast<std::uint32_t>(s.body.size() - 1);
        break;
      default: break;
    }
  }
  if (!s.outcome.ok()) return strict ? s.outcome : Outcome{};
  if (s.marker != kSOD) return damaged("a tile-part header is not closed by SOD");
  part.data = s.at + 2;
  at_end = false;
  return {};
}

bool is_closed(Bytes codestream, std::size_t at) noexcept {
  Reader r(codestream.subspan(at));
  return r.u16be() == kEOC && r.ok();
}

bool PacketLengths::next(std::uint32_t& length) noexcept {
  while (rest_.empty()) {
    Segments s{codestream_, at_};
    do
      if (!s.next()) return false;
    while (s.marker != kPLT);
    at_ = s.at;
    if (s.body.empty() || static_cast<std::uint32_t>(s.body[0]) != (segments_ & 0xff)) return false;
    ++segments_;
    rest_ = s.body.subspan(1);
  }
  std::uint64_t v = 0;
  for (;;) {  // seven bits to a byte, the last one without the eighth
    if (rest_.empty()) return false;
    const auto byte = static_cast<std::uint32_t>(rest_[0]);
    rest_ = rest_.subspan(1);
    v = v << 7 | (byte & 0x7f);
    if (v > 0xffffffffu) return false;
    if ((byte & 0x80) == 0) break;
  }
  length = static_cast<std::uint32_t>(v);
  return true;
}

bool packet_lengths_add_up(Bytes codestream, const TilePart& part) noexcept {
  PacketLengths lengths(codestream, part);
  std::uint64_t sum = 0;  // of no more than there are bytes: no overflow
  for (std::uint32_t n; lengths.next(n);) sum += n;
  return sum == part.end - part.data;
}

Outcome read_overrides(Bytes codestream, const MainHeader& header, const TilePart& part, bool first,
                       Parameters& parameters) noexcept {
  Segments s{codestream.first(part.end), part.header};
  bool anew = first;  // the tile's own POC replaces the main header's, later ones go on
  Defaults all;
  while (s.next()) {
    if (!first && s.marker != kPOC) continue;
    if (const Outcome o = apply(s.marker, s.body, header.components, anew, parameters, all); !o.ok()) return o;
    anew = anew && s.marker != kPOC;
  }
  if (!first) return {};  // progressions need no check of the components
  all.apply(header.components, parameters);
  return check(header.components, parameters);
}

Outcome gather_tile_packed_headers(Bytes codestream, const TilePart& part, std::byte* out) noexcept {
  return gather_by_index({codestream.first(part.end), part.header}, kPPT, "two PPT segments of the same index", out);
}

}  // namespace dtacs::jp2
