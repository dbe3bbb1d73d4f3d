// SPDX-License-Identifier: Apache-2.0
#include "tools/run/decode.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "io/host/failure.h"
#include "io/host/jp2_band.h"

namespace dtacs {
namespace {

constexpr int kRowsAtOnce = 64;

int number(std::string_view option, std::string_view text) {
  int v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size() || v < 0)
    throw Failure(Exit::usage, std::string(option) + ": expected a number, found '" + std::string(text) + "'");
  return v;
}

PixelWindow window(std::string_view text) {
  int v[4] = {};
  for (int i = 0; i < 4; ++i) {
    const std::size_t comma = i < 3 ? text.find(',') : text.size();
    if (comma == std::string_view::npos) throw Failure(Exit::usage, "--window: expected X,Y,W,H");
    v[i] = number("--window", text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  if (v[2] == 0 || v[3] == 0) throw Failure(Exit::usage, "--window: expected a width and a height above 0");
  return {v[0], v[1], v[2], v[3]};
}

// The output under a temporary name until commit(); removed when that does not come.
class Output {
 public:
  explicit Output(std::string path) : path_(std::move(path)), temporary_(path_ + ".part") {
    file_ = std::fopen(temporary_.c_str(), "wb");
    if (file_ == nullptr)
      throw Failure(Exit::cannot_create, temporary_ + ": cannot be created: " + std::strerror(errno));
  }
  ~Output() {
    if (file_ != nullptr) std::fclose(file_);
    if (!temporary_.empty()) std::remove(temporary_.c_str());
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(const void* data, std::size_t size) {
    if (std::fwrite(data, 1, size, file_) != size) fail();
  }
  void commit() {
    if (std::fflush(file_) != 0) fail();
    const int closed = std::fclose(file_);
    file_ = nullptr;
    if (closed != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
    temporary_.clear();
  }

 private:
  [[noreturn]] void fail() { throw Failure(Exit::io_error, path_ + ": cannot be written: " + std::strerror(errno)); }

  std::string path_, temporary_;
  std::FILE* file_;
};

bool ends_with(std::string_view s, std::string_view end) {
  return s.size() > end.size() && s.ends_with(end);
}

}  // namespace

int decode_command(std::span<char* const> args) {
  std::string in, out;
  Jp2Options options;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string_view a = args[i];
    const auto value = [&]() -> std::string_view {
      if (i + 1 == args.size()) throw Failure(Exit::usage, std::string(a) + ": expected a value");
      return args[++i];
    };
    if (a == "-o")
      out = value();
    else if (a == "--reduce")
      options.reduce = number(a, value());
    else if (a == "--window")
      options.window = window(value());
    else if (a == "--threads")
      options.threads = std::clamp(number(a, value()), 1, 1024);
    else if (a == "--component")
      options.component = number(a, value());
    else if (a == "--lenient")
      options.strict = false;
    else if (a.starts_with("-"))
      throw Failure(Exit::usage, "decode: unknown option '" + std::string(a) + "'");
    else if (in.empty())
      in = a;
    else
      throw Failure(Exit::usage, "decode: expected one input file, found also '" + std::string(a) + "'");
  }
  if (in.empty()) throw Failure(Exit::usage, "decode: expected an input file");
  const bool pgx = ends_with(out, ".pgx");
  if (!pgx && !ends_with(out, ".u16")) throw Failure(Exit::usage, "decode: expected -o OUT.u16 or OUT.pgx");

  Jp2Band band(in, options);
  Output file(out);
  const int width = band.width(), height = band.height();
  if (pgx) {
    const std::string header = std::string("PG ML ") + (band.is_signed() ? "-" : "+") + " " +
                               std::to_string(band.bits()) + " " + std::to_string(width) + " " +
                               std::to_string(height) + "\n";
    file.write(header.data(), header.size());
  }
  const bool bytes = pgx && band.bits() <= 8;
  const auto columns = static_cast<std::size_t>(width);
  std::vector<std::uint16_t> pixels(columns * kRowsAtOnce);
  std::vector<unsigned char> packed(columns * kRowsAtOnce * 2);
  for (int y = 0; y < height; y += kRowsAtOnce) {
    const int rows = std::min(kRowsAtOnce, height - y);
    band.read_rows(rows, pixels.data(), width);
    const std::size_t count = columns * static_cast<std::size_t>(rows);
    std::size_t n = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto low = static_cast<unsigned char>(pixels[i] & 0xff), high = static_cast<unsigned char>(pixels[i] >> 8);
      if (pgx && !bytes) packed[n++] = high;
      packed[n++] = low;
      if (!pgx) packed[n++] = high;
    }
    file.write(packed.data(), n);
  }
  file.commit();
  return 0;
}

}  // namespace dtacs
