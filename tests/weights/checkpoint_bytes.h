// SPDX-License-Identifier: Apache-2.0
// Small checkpoints in other people's formats, made byte by byte for the tests.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/convert/zip_archive.h"

namespace dtacs::test {

using FileBytes = std::string;  // easy to append to

inline std::vector<std::byte> to_bytes(const FileBytes& s) {
  std::vector<std::byte> b(s.size());
  for (std::size_t i = 0; i < s.size(); ++i) b[i] = static_cast<std::byte>(s[i]);
  return b;
}

inline FileBytes le(std::uint64_t v, int bytes) {
  FileBytes s;
  for (int i = 0; i < bytes; ++i) s += static_cast<char>(v >> (8 * i) & 0xffu);
  return s;
}

inline FileBytes f32_bytes(const std::vector<float>& values) {
  FileBytes s;
  for (const float v : values) s += le(std::bit_cast<std::uint32_t>(v), 4);
  return s;
}

struct TestTensor {
  std::string name;
  std::vector<std::uint64_t> dims;
  std::vector<float> values;
};

inline std::size_t count_of(const std::vector<std::uint64_t>& dims) {
  std::size_t n = 1;
  for (const std::uint64_t d : dims) n *= static_cast<std::size_t>(d);
  return n;
}

// value(i): the i-th element.
template <class F>
TestTensor make_tensor(std::string name, std::vector<std::uint64_t> dims, F&& value) {
  TestTensor t{std::move(name), std::move(dims), {}};
  t.values.resize(count_of(t.dims));
  for (std::size_t i = 0; i < t.values.size(); ++i) t.values[i] = value(i);
  return t;
}

// ---- zip ---------------------------------------------------------------------

struct ZipItem {
  std::string name;
  FileBytes data;
  int method = 0;
};

// zip64: sizes and offsets in the extra field, as archives over 4 GiB have them.
inline FileBytes make_zip(const std::vector<ZipItem>& items, bool zip64 = false, const std::string& comment = "") {
  FileBytes file, directory;
  for (const ZipItem& item : items) {
    const std::uint64_t at = file.size();
    const std::uint32_t crc = zip_crc32(to_bytes(item.data));
    const std::uint64_t size = zip64 ? 0xffffffffu : item.data.size();
    const FileBytes common = le(0x0808, 2) + le(static_cast<unsigned>(item.method), 2) + le(0, 4) + le(crc, 4) +
                             le(size, 4) + le(size, 4) + le(item.name.size(), 2);
    const FileBytes padding = "FB" + le(5, 2) + "ZZZZZ";  // torch aligns data with such a field
    file += le(0x04034b50, 4) + le(0, 2) + common + le(padding.size(), 2) + item.name + padding + item.data;
    const FileBytes extra =
        zip64 ? le(1, 2) + le(24, 2) + le(item.data.size(), 8) + le(item.data.size(), 8) + le(at, 8) : FileBytes();
    directory += le(0x02014b50, 4) + le(0, 4) + common + le(extra.size(), 2) + le(0, 2) + le(0, 8) +
                 le(zip64 ? 0xffffffffu : at, 4) + item.name + extra;
  }
  const std::uint64_t at = file.size(), n = items.size();
  file += directory;
  if (zip64) {
    const std::uint64_t end64 = file.size();
    file += le(0x06064b50, 4) + le(44, 8) + le(0, 12) + le(n, 8) + le(n, 8) + le(directory.size(), 8) + le(at, 8);
    file += le(0x07064b50, 4) + le(0, 4) + le(end64, 8) + le(1, 4);
  }
  return file + le(0x06054b50, 4) + le(0, 4) + le(zip64 ? 0xffff : n, 2) + le(zip64 ? 0xffff : n, 2) +
         le(zip64 ? 0xffffffffu : directory.size(), 4) + le(zip64 ? 0xffffffffu : at, 4) + le(comment.size(), 2) +
         comment;
}

// ---- pickle, protocol 2 --------------------------------------------------------

inline FileBytes p_text(const std::string& s) {
  return "X" + le(s.size(), 4) + s;
}
inline FileBytes p_int(std::uint64_t v) {
  return "J" + le(v, 4);
}
inline FileBytes p_tuple(const std::vector<FileBytes>& items) {
  FileBytes s = "(";
  for (const FileBytes& i : items) s += i;
  return s + "t";
}
inline FileBytes p_ints(const std::vector<std::uint64_t>& v) {
  std::vector<FileBytes> items;
  for (const std::uint64_t i : v) items.push_back(p_int(i));
  return p_tuple(items);
}
inline FileBytes p_global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline FileBytes p_call(const FileBytes& function, const FileBytes& args) {
  return function + args + "R";
}
using Pairs = std::vector<std::pair<std::string, FileBytes>>;
inline FileBytes p_fill(const Pairs& pairs) {
  FileBytes s = "(";
  for (const auto& [k, v] : pairs) s += p_text(k) + v;
  return s + "u";
}
inline FileBytes p_dict(const Pairs& pairs) {
  return "}" + p_fill(pairs);
}
inline FileBytes p_ordered(const Pairs& pairs) {
  return p_call(p_global("collections", "OrderedDict"), ")") + p_fill(pairs);
}
inline FileBytes p_file(const FileBytes& value) {
  return "\x80\x02" + value + ".";
}

inline FileBytes p_storage(const std::string& type, const std::string& key, std::uint64_t count) {
  return p_tuple({p_text("storage"), p_global("torch", type), p_text(key), p_text("cpu"), p_int(count)}) + "Q";
}
inline FileBytes p_tensor(const FileBytes& storage, std::uint64_t offset, const std::vector<std::uint64_t>& size,
                          const std::vector<std::uint64_t>& stride) {
  return p_call(p_global("torch._utils", "_rebuild_tensor_v2"),
                p_tuple({storage, p_int(offset), p_ints(size), p_ints(stride), "\x89",
                         p_call(p_global("collections", "OrderedDict"), ")")}));
}
inline std::vector<std::uint64_t> dense_strides(const std::vector<std::uint64_t>& dims) {
  std::vector<std::uint64_t> s(dims.size());
  std::uint64_t n = 1;
  for (std::size_t d = dims.size(); d-- > 0; n *= dims[d]) s[d] = n;
  return s;
}

// wrap: what surrounds the state dictionary in data.pkl.
template <class Wrap>
FileBytes make_torch(const std::vector<TestTensor>& tensors, Wrap&& wrap, const std::string& root = "archive") {
  Pairs state;
  std::vector<ZipItem> items;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TestTensor& t = tensors[i];
    const std::string key = std::to_string(i);
    state.emplace_back(t.name,
                       p_tensor(p_storage("FloatStorage", key, t.values.size()), 0, t.dims, dense_strides(t.dims)));
    items.push_back({root + "/data/" + key, f32_bytes(t.values)});
  }
  items.insert(items.begin(), {root + "/data.pkl", p_file(wrap(p_ordered(state)))});
  items.push_back({root + "/version", "3\n"});
  return make_zip(items);
}
inline FileBytes make_torch(const std::vector<TestTensor>& tensors) {
  return make_torch(tensors, [](const FileBytes& state) { return p_dict({{"state_dict", state}}); });
}

// ---- safetensors ---------------------------------------------------------------

inline FileBytes make_safetensors(const std::vector<TestTensor>& tensors) {
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"}", data;
  for (const TestTensor& t : tensors) {
    std::string shape;
    for (const std::uint64_t d : t.dims) shape += (shape.empty() ? "" : ",") + std::to_string(d);
    const std::size_t at = data.size();
    data += f32_bytes(t.values);
    header += ",\"" + t.name + "\":{\"dtype\":\"F32\",\"shape\":[" + shape + "],\"data_offsets\":[" +
              std::to_string(at) + "," + std::to_string(data.size()) + "]}";
  }
  header += "}";
  return le(header.size(), 8) + header + data;
}

// ---- ONNX (protobuf) -------------------------------------------------------------

inline FileBytes varint(std::uint64_t v) {
  FileBytes s;
  for (; v >= 0x80; v >>= 7) s += static_cast<char>(v | 0x80u);
  return s + static_cast<char>(v);
}
inline FileBytes pb(int field, const FileBytes& bytes) {
  return varint(static_cast<std::uint64_t>(field) * 8 + 2) + varint(bytes.size()) + bytes;
}
inline FileBytes pb(int field, std::uint64_t number) {
  return varint(static_cast<std::uint64_t>(field) * 8) + varint(number);
}

inline FileBytes onnx_tensor(const TestTensor& t, bool raw = true) {
  FileBytes s;
  for (const std::uint64_t d : t.dims) s += pb(1, d);
  return s + pb(2, 1) + pb(8, t.name) + pb(raw ? 9 : 4, f32_bytes(t.values));
}
inline FileBytes onnx_node(const std::string& op, const std::vector<std::string>& in, const std::string& out,
                           const FileBytes& attributes = "") {
  FileBytes s;
  for (const std::string& i : in) s += pb(1, i);
  return pb(1, s + pb(2, out) + pb(4, op) + attributes);
}
inline FileBytes onnx_initializer(const TestTensor& t, bool raw = true) {
  return pb(5, onnx_tensor(t, raw));
}
inline FileBytes make_onnx(const FileBytes& graph) {
  return pb(1, 7) + pb(2, "test") + pb(7, graph);
}

}  // namespace dtacs::test
