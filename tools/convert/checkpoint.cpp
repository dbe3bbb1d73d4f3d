// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/checkpoint.h"

#include "io/host/failure.h"

namespace dtacs {

namespace {

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  if (bytes.size() < magic.size()) return false;
  for (std::size_t i = 0; i < magic.size(); ++i)
    if (static_cast<char>(bytes[i]) != magic[i]) return false;
  return true;
}

Checkpoint read_any(std::span<const std::byte> bytes, const ReadOptions& options) {
  const auto refuse = [](const char* why) { throw Failure(Exit::bad_weights, why); };
  if (bytes.empty()) refuse("the file is empty");
  // All four bytes: the first two may be the length of a safetensors header.
  if (starts_with(bytes, "PK\x03\x04") || starts_with(bytes, "PK\x05\x06")) return read_torch(bytes, options);
  if (bytes.size() > 8 && bytes[8] == std::byte{'{'}) return read_safetensors(bytes);
  if (starts_with(bytes, "\x80\x02\x8a\x0al\xfc"))
    refuse("this is PyTorch's format from before version 1.6, load it there and save it again with torch.save");
  if (starts_with(bytes, "\x89HDF")) refuse("this is an HDF5 file (Keras), expected PyTorch, ONNX or safetensors");
  if (starts_with(bytes, "<?xml")) refuse("this is an XML file (OpenVINO), expected PyTorch, ONNX or safetensors");
  if (starts_with(bytes, "DTACSW")) refuse("this is a weights file of dtacs already");
  // Every writer starts an ONNX model with its IR version, field 1.
  if (bytes[0] != std::byte{8}) refuse("of no format this program reads, expected PyTorch, ONNX or safetensors");
  return read_onnx(bytes);
}

}  // namespace

Checkpoint read_checkpoint(std::span<const std::byte> bytes, const std::string& path, const ReadOptions& options) {
  try {
    return read_any(bytes, options);
  } catch (const Failure& f) {
    throw Failure(f.exit(), path + ": " + f.what());
  }
}

std::string ascii(std::string_view s, std::size_t longest) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : s.substr(0, longest)) {
    const auto b = static_cast<unsigned char>(c);
    if (b >= 0x20 && b < 0x7f) {
      out += c;
    } else {
      out += std::string("\\x") + kHex[b >> 4] + kHex[b & 15];
    }
  }
  return s.size() > longest ? out + "..." : out;
}

std::string shape_text(const std::vector<std::uint64_t>& dims) {
  std::string s = "(";
  for (std::size_t i = 0; i < dims.size(); ++i) s += (i > 0 ? ", " : "") + std::to_string(dims[i]);
  return s + ")";
}

}  // namespace dtacs
