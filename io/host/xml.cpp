// SPDX-License-Identifier: Apache-2.0
#include "io/host/xml.h"

#include <algorithm>
#include <cstdint>

#include "io/host/failure.h"
#include "io/host/printable.h"

namespace dtacs {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Everything outside ASCII may stand in a name; which of it XML allows is no concern here.
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

class Parser {
 public:
  Parser(std::string_view document, const std::string& file) : all_(document), file_(file) {
    if (starts_with("\xef\xbb\xbf")) at_ += 3;  // a byte order mark
  }

  void run(const std::function<void(XmlPath)>& visit) {
    bool had_root = false;
    while (at_ < all_.size()) {
      if (all_[at_] != '<') {
        text();
      } else if (starts_with("<!--")) {
        skip_past("-->", 4, "comment");
      } else if (starts_with("<![CDATA[")) {
        const std::size_t begin = at_ + 9;
        skip_past("]]>", 9, "CDATA section");
        if (open_.empty()) fail("text outside of the root element");
        append(all_.substr(begin, at_ - 3 - begin));
      } else if (starts_with("<?")) {
        skip_past("?>", 2, "processing instruction");
      } else if (starts_with("<!")) {
        fail("DOCTYPE and entity definitions are not read");
      } else if (starts_with("</")) {
        end_tag(visit);
      } else {
        if (had_root && open_.empty()) fail("a second root element");
        had_root = true;
        start_tag(visit);
      }
    }
    if (!open_.empty()) fail("the document ends inside <" + printable(open_.back().name) + ">");
    if (!had_root) fail("no XML element in the document");
  }

  // The name of the first start tag; leaves the document there.
  std::string root_name() {
    for (;;) {
      while (at_ < all_.size() && is_space(all_[at_])) ++at_;
      if (starts_with("<!--")) {
        skip_past("-->", 4, "comment");
      } else if (starts_with("<?")) {
        skip_past("?>", 2, "processing instruction");
      } else if (starts_with("<")) {
        ++at_;
        return local(name());
      } else {
        fail("no XML element in the document");
      }
    }
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    const std::string_view before = all_.substr(0, std::min(at_, all_.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    throw Failure(Exit::bad_data, file_ + ": line " + std::to_string(line) + ": " + why);
  }

  bool starts_with(std::string_view s) const { return all_.substr(at_).starts_with(s); }

  void skip_past(std::string_view end, std::size_t opening, const char* what) {
    const std::size_t found = all_.find(end, at_ + opening);
    if (found == std::string_view::npos) fail(std::string("unterminated ") + what);
    at_ = found + end.size();
  }

  void skip_space() {
    while (at_ < all_.size() && is_space(all_[at_])) ++at_;
  }

  std::string_view name() {
    const std::size_t begin = at_;
    while (at_ < all_.size() && is_name(all_[at_])) ++at_;
    if (at_ == begin) fail("a name is missing");
    return all_.substr(begin, at_ - begin);
  }

  std::string local(std::string_view qualified) const {
    const std::size_t colon = qualified.rfind(':');
    if (colon == qualified.size() - 1) fail("a name is only a prefix");
    return std::string(colon == std::string_view::npos ? qualified : qualified.substr(colon + 1));
  }

  // Text or an attribute's value with its references resolved.
  std::string resolve(std::string_view raw) {
    std::string out;
    for (std::size_t i = 0; i < raw.size();) {
      if (raw[i] != '&') {
        const std::size_t next = std::min(raw.find('&', i), raw.size());
        out += raw.substr(i, next - i);
        i = next;
        continue;
      }
      const std::size_t end = raw.find(';', i);
      if (end == std::string_view::npos || end - i > 12) fail("unterminated reference after &");
      reference(raw.substr(i + 1, end - i - 1), out);
      i = end + 1;
    }
    return out;
  }

  void reference(std::string_view ref, std::string& out) {
    static constexpr std::pair<std::string_view, char> kNamed[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (const auto& [name, c] : kNamed) {
      if (ref == name) {
        out += c;
        return;
      }
    }
    if (!ref.starts_with('#')) fail("unknown entity &" + printable(ref) + ";");
    const bool hex = ref.substr(1).starts_with('x');
    std::uint32_t code = 0;
    const std::string_view digits = ref.substr(hex ? 2 : 1);
    for (const char c : digits) {
      const int digit = c >= '0' && c <= '9'          ? c - '0'
                        : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : hex && c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                      : -1;
      if (digit < 0 || code > 0x10ffff) fail("bad character reference");
      code = code * (hex ? 16 : 10) + static_cast<std::uint32_t>(digit);
    }
    if (digits.empty() || code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      fail("bad character reference");
    append_utf8(out, code);
  }

  void append(std::string_view s) {
    std::string& text = open_.back().text;
    if (s.size() > kXmlMostText - text.size()) fail("more text in one element than metadata has");
    text += s;
  }

  void text() {
    const std::size_t begin = at_;
    at_ = std::min(all_.find('<', at_), all_.size());
    const std::string_view raw = all_.substr(begin, at_ - begin);
    if (!open_.empty()) {
      if (raw.size() > kXmlMostText) fail("more text in one element than metadata has");
      append(resolve(raw));
    } else if (!std::all_of(raw.begin(), raw.end(), is_space)) {
      at_ = begin;
      fail("text outside of the root element");
    }
  }

  void start_tag(const std::function<void(XmlPath)>& visit) {
    ++at_;
    if (open_.size() == kXmlMostDepth) fail("elements nested too deeply");
    XmlElement element;
    element.name = local(name());
    for (;;) {
      skip_space();
      if (starts_with("/>") || starts_with(">")) break;
      attribute(element);
    }
    const bool empty = all_[at_] == '/';
    at_ += empty ? 2 : 1;
    open_.push_back(std::move(element));
    if (empty) close(visit);
  }

  void attribute(XmlElement& element) {
    if (element.attributes.size() == kXmlMostAttributes) fail("too many attributes");
    std::string key = local(name());
    skip_space();
    if (!starts_with("=")) fail("an attribute without a value");
    ++at_;
    skip_space();
    if (!starts_with("\"") && !starts_with("'")) fail("an attribute's value without quotes");
    const char quote = all_[at_++];
    const std::size_t end = all_.find(quote, at_);
    if (end == std::string_view::npos || end - at_ > kXmlMostText) fail("an attribute's value without its end");
    const std::string_view raw = all_.substr(at_, end - at_);
    if (raw.find('<') != std::string_view::npos) fail("< in an attribute's value");
    std::string value = resolve(raw);
    at_ = end + 1;
    element.attributes.emplace_back(std::move(key), std::move(value));
  }

  void end_tag(const std::function<void(XmlPath)>& visit) {
    at_ += 2;
    const std::string ended = local(name());
    skip_space();
    if (!starts_with(">")) fail("an end tag without its >");
    if (open_.empty()) fail("</" + printable(ended) + "> ends nothing");
    if (open_.back().name != ended) fail("</" + printable(ended) + "> ends <" + printable(open_.back().name) + ">");
    ++at_;
    close(visit);
  }

  void close(const std::function<void(XmlPath)>& visit) {
    std::string& text = open_.back().text;
    const auto not_space = [](char c) { return !is_space(c); };
    text.erase(std::find_if(text.rbegin(), text.rend(), not_space).base(), text.end());
    text.erase(text.begin(), std::find_if(text.begin(), text.end(), not_space));
    visit(open_);
    open_.pop_back();
  }

  std::string_view all_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::vector<XmlElement> open_;
};

}  // namespace

const std::string* XmlElement::attribute(std::string_view attribute_name) const {
  for (const auto& [key, value] : attributes)
    if (key == attribute_name) return &value;
  return nullptr;
}

void visit_xml(std::string_view document, const std::string& file, const std::function<void(XmlPath)>& visit) {
  Parser(document, file).run(visit);
}

std::string xml_root_name(std::string_view document) {
  try {
    return Parser(document, "").root_name();
  } catch (const Failure&) {
    return "";
  }
}

}  // namespace dtacs
