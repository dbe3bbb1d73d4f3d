// SPDX-License-Identifier: Apache-2.0
#include "io/host/xml.h"

#include <doctest/doctest.h>

#include "tests/host/temp_folder.h"
#include "tests/support/suite.h"

namespace dtacs::test {
namespace {

// Each element as path=text[attributes], in the order of their ends.
std::string shown(const std::string& document) {
  std::string out;
  visit_xml(document, "doc.xml", [&](XmlPath open) {
    for (const XmlElement& e : open) out += "/" + e.name;
    out += "=" + open.back().text;
    for (const auto& [key, value] : open.back().attributes) out += "[" + key + ":" + value + "]";
    out += " ";
  });
  return out;
}

void check_refused(const std::string& document, const std::string& words) {
  check_fails(Exit::bad_data, "doc.xml|" + words, [&] { shown(document); });
}

}  // namespace

TEST_CASE("xml: elements, attributes, text") {
  CHECK(shown("<a/>") == "/a= ");
  CHECK(shown("\xef\xbb\xbf<?xml version='1.0'?>\n<!-- -- a > comment -->\n<n1:a n1:x = '1'\n y=\"2\">t<b>u</b>v</n1:a "
              ">\n") == "/a/b=u /a=tv[x:1][y:2] ");
  CHECK(shown("<a> two words\n </a>") == "/a=two words ");
  CHECK(shown("<a>x<![CDATA[<b>&amp;]]]]>y</a>") == "/a=x<b>&amp;]]y ");
  CHECK(shown("<a b='&lt;&quot;&apos;'>&amp;&#65;&#x20AC;&#x1F6F0;&gt;</a>") ==
        "/a=&A\xe2\x82\xac\xf0\x9f\x9b\xb0>[b:<\"'] ");
  CHECK(shown("<W unit='W/m\xc2\xb2'>1</W>") == "/W=1[unit:W/m\xc2\xb2] ");
}

TEST_CASE("xml: what is no XML is refused with its line") {
  check_refused("", "no XML element");
  check_refused("  \n", "no XML element");
  check_refused("\n\n<a>", "line 3|ends inside <a>");
  check_refused("<a></b>", "</b> ends <a>");
  check_refused("<a></a></a>", "</a> ends nothing");
  check_refused("<a/><b/>", "second root");
  check_refused("<a/>text", "text outside");
  check_refused("text<a/>", "text outside");
  check_refused("<n1:/>", "only a prefix");  // was an element without a name
  check_refused("<a n1:='1'/>", "only a prefix");
  check_refused("<![CDATA[x]]><a/>", "text outside");
  check_refused("<a", "a name is missing");
  check_refused("<", "a name is missing");
  check_refused("</", "a name is missing");
  check_refused("<a b>", "without a value");
  check_refused("<a b=c>", "without quotes");
  check_refused("<a b='c", "without its end");
  check_refused("<a b='<'/>", "< in an attribute");
  check_refused("<a b='1'c='2'/", "a name is missing");
  check_refused("<a>&", "reference");
  check_refused("<a>&nbsp;</a>", "unknown entity &nbsp;");
  check_refused("<a>&#;</a>", "character reference");
  check_refused("<a>&#0;</a>", "character reference");
  check_refused("<a>&#xD800;</a>", "character reference");
  check_refused("<a>&#x110000;</a>", "character reference");
  check_refused("<a>&#9999999999;</a>", "reference");
  check_refused("<a><!-- ", "unterminated comment");
  check_refused("<a><![CDATA[", "unterminated CDATA");
  check_refused("<?xml ", "unterminated processing instruction");
}

TEST_CASE("xml: documents built to exhaust a reader are refused") {
  check_refused("<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>", "DOCTYPE");
  check_refused("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "DOCTYPE");
  check_refused("<a><!ENTITY b 'c'></a>", "DOCTYPE");
  std::string deep;
  for (int i = 0; i < 1000000; ++i) deep += "<a>";
  check_refused(deep, "nested too deeply");
  std::string wide = "<a";
  for (int i = 0; i < 1000; ++i) wide += " b='1'";
  check_refused(wide + "/>", "too many attributes");
  check_refused("<a>" + std::string(kXmlMostText + 1, 'x') + "</a>", "more text");
  std::string parts = "<a>";
  for (int i = 0; i < 1025; ++i) parts += std::string(1024, 'x') + "<b/>";
  check_refused(parts + "</a>", "more text");
}

TEST_CASE("xml: every cut and many scrambled documents end in a failure or a visit") {
  const std::string whole =
      "<?xml version='1.0'?><!--c--><n:a x='1' y=\"&lt;\"><b>t&amp;&#65;</b><![CDATA[<>]]><c/><d>5</d></n:a>";
  REQUIRE_FALSE(shown(whole).empty());
  for (std::size_t n = whole.find("<n:a") + 1; n < whole.size(); ++n)
    CHECK_THROWS_AS(shown(whole.substr(0, n)), Failure);
  Rng rng(7);
  int read = 0, refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string s = whole;
    for (int k = rng.between(1, 4); k > 0; --k)
      s[static_cast<std::size_t>(rng.between(0, static_cast<int>(s.size()) - 1))] =
          "<>&;/!?'\"=[]- abx1\0\xff"[rng.between(0, 19)];
    try {
      shown(s);
      ++read;
    } catch (const Failure&) {
      ++refused;
    }
  }
  CHECK(read > 100);
  CHECK(refused > 100);
}

TEST_CASE("xml: the root's name without reading on") {
  CHECK(xml_root_name("<?xml version='1.0'?>\n<!-- x --><n1:Level-1C_User_Product xmlns:n1='") ==
        "Level-1C_User_Product");
  CHECK(xml_root_name("") == "");
  CHECK(xml_root_name("{}") == "");
  CHECK(xml_root_name("<!DOCTYPE html>") == "");
}

}  // namespace dtacs::test
