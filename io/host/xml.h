// SPDX-License-Identifier: Apache-2.0
// Reading the XML of product metadata: elements, attributes, text, CDATA, comments,
// processing instructions, the five named entities and character references.
//
// Namespace prefixes are dropped: <n1:General_Info> is "General_Info".  No tree is
// built: a visitor sees each element when it ends, with the elements around it, which
// is all that metadata of 20 MB asks for.
//
// Documents are hostile.  DOCTYPE (and with it entity definitions) is refused, nothing
// is ever fetched, and nesting, attributes and the size of one text are limited.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dtacs {

struct XmlElement {
  std::string name;  // without prefix
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string text;  // what stands directly in it, white space at both ends removed

  // nullptr when there is no such attribute.
  const std::string* attribute(std::string_view attribute_name) const;
};

// The elements that are open, outermost first; the one that ends is the last.
using XmlPath = std::span<const XmlElement>;

inline constexpr int kXmlMostDepth = 64;
inline constexpr int kXmlMostAttributes = 64;
inline constexpr std::size_t kXmlMostText = 1 << 20;  // bytes in one element

// Visits every element of the document in the order of their ends.  `file` names it in
// messages.  Throws Failure(bad_data) with the line where the document is no XML.
void visit_xml(std::string_view document, const std::string& file, const std::function<void(XmlPath)>& visit);

// The name of the outermost element, reading no further; "" when there is none.
std::string xml_root_name(std::string_view document);

}  // namespace dtacs
