// SPDX-License-Identifier: Apache-2.0
// Metadata documents: the XML reader, and what is read from each kind of document.
#include "io/host/xml.h"

#include "io/host/failure.h"
#include "io/host/jp2_geo.h"
#include "io/host/s2_metadata.h"
#include "tests/fuzz/memory_file.h"

namespace dtacs::fuzz {
namespace {

template <class F>
bool accepted(F f) {
  try {
    f();
    return true;
  } catch (const Failure& e) {
    require(std::string_view(e.what()).find('\n') == std::string_view::npos, "one line");
    return false;
  }
}

}  // namespace

DTACS_FUZZ_TARGET(xml) {
  const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
  std::size_t elements = 0;
  const bool whole = accepted([&] {
    visit_xml(text, "fuzz", [&](XmlPath open) {
      require(!open.empty() && open.size() <= kXmlMostDepth, "a bounded depth");
      require(open.back().text.size() <= kXmlMostText, "a bounded text");
      ++elements;
    });
  });
  require(elements <= in.size() / 3, "no more elements than there is text for");  // <a/
  if (whole) require(elements > 0 && !xml_root_name(text).empty(), "an outermost element");
  static_cast<void>(placement_from_gml(text));
  if (!whole) return;
  static const MemoryFile file;
  file.set(in);
  static_cast<void>(metadata_kind(file.path()));
  accepted([] { static_cast<void>(read_product_metadata(file.path())); });
  accepted([] { static_cast<void>(read_tile_metadata(file.path())); });
}

}  // namespace dtacs::fuzz
