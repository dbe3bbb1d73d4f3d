// SPDX-License-Identifier: Apache-2.0
// The JPEG 2000 decoder against OpenJPEG on mutations of valid files: where both decode,
// every sample must be the same.  A development program:
//
//   c++ -std=c++20 -O2 -I. -I/usr/include/openjpeg-2.5 bench/peers/jp2_differential.cpp io/jp2/*.cpp -lopenjp2
//   ./a.out COUNT SEED OUT tests/data/jp2/*.j*
//
// Files that differ are kept in the folder OUT.  (On x86 link the built library in place of io/jp2/*.cpp)
//
// Why samples differ, where they do:
//   - a codeword segment goes on for more than 64 bytes behind its end: tier1.cpp stops there;
//   - OpenJPEG reads a COD behind a COC over it, so that component_headers_first.j2k itself
//     differs; passes over unknown marker segments by twos, and so over a QCC behind one of
//     odd length; takes CEpoc 0 of POC for no component and not for all; takes a sample for
//     one of the region of interest from half its threshold on; and goes on, behind a damaged
//     packet header in PPM, over the ends of tile-parts.
#include <openjpeg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/jp2/jp2.h"

namespace {

using Bytes = std::vector<unsigned char>;
using Plane = std::vector<int>;
constexpr std::uint64_t kMostPixels = 1 << 17;

struct Rng {
  std::uint64_t s;
  std::uint64_t next() {
    std::uint64_t z = (s += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
};

// Headers and bodies alike: bytes, bits, extremes, fields of markers, pieces moved.
Bytes mutate(Bytes b, Rng& rng) {
  std::size_t body = 0;  // behind the first SOD
  while (body + 1 < b.size() && !(b[body] == 0xff && b[body + 1] == 0x93)) ++body;
  for (std::size_t n = 1 + rng.below(3); n > 0; --n) {
    const bool header = rng.below(2) == 0;
    const std::size_t at = header ? rng.below(std::min(body + 2, b.size())) : rng.below(b.size());
    static constexpr unsigned char kExtreme[] = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff};
    switch (rng.below(6)) {
      case 0: b[at] = static_cast<unsigned char>(rng.next()); break;
      case 1: b[at] ^= static_cast<unsigned char>(1u << rng.below(8)); break;
      case 2: b[at] = kExtreme[rng.below(sizeof kExtreme)]; break;
      case 3: b[at] = static_cast<unsigned char>(b[at] + (rng.below(2) == 0 ? 1 : 255)); break;
      case 4: {  // a byte of the body only: the usual damage
        const std::size_t k = std::min(body + 2 + rng.below(b.size()), b.size() - 1);
        b[k] = static_cast<unsigned char>(rng.next());
        break;
      }
      default: std::swap(b[at], b[rng.below(b.size())]);
    }
  }
  return b;
}

struct Source {
  const Bytes* bytes;
  std::size_t at = 0;
};

bool opj(const Bytes& file, std::vector<Plane>& planes) {
  const bool raw = file.size() > 1 && file[0] == 0xff && file[1] == 0x4f;
  opj_codec_t* codec = opj_create_decompress(raw ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  parameters.flags |= OPJ_DPARAMETERS_IGNORE_PCLR_CMAP_CDEF_FLAG;
  opj_setup_decoder(codec, &parameters);
  Source source{&file};
  opj_stream_t* stream = opj_stream_create(1 << 16, OPJ_TRUE);
  opj_stream_set_user_data(stream, &source, nullptr);
  opj_stream_set_user_data_length(stream, file.size());
  opj_stream_set_read_function(stream, [](void* to, OPJ_SIZE_T n, void* user) -> OPJ_SIZE_T {
    auto* s = static_cast<Source*>(user);
    n = std::min<OPJ_SIZE_T>(n, s->bytes->size() - s->at);
    if (n == 0) return static_cast<OPJ_SIZE_T>(-1);
    std::memcpy(to, s->bytes->data() + s->at, n);
    s->at += n;
    return n;
  });
  opj_stream_set_skip_function(stream, [](OPJ_OFF_T n, void* user) -> OPJ_OFF_T {
    auto* s = static_cast<Source*>(user);
    s->at = static_cast<std::size_t>(
        std::min<OPJ_OFF_T>(static_cast<OPJ_OFF_T>(s->at) + n, static_cast<OPJ_OFF_T>(s->bytes->size())));
    return n;
  });
  opj_stream_set_seek_function(stream, [](OPJ_OFF_T n, void* user) -> OPJ_BOOL {
    auto* s = static_cast<Source*>(user);
    s->at = static_cast<std::size_t>(std::min<OPJ_OFF_T>(n, static_cast<OPJ_OFF_T>(s->bytes->size())));
    return OPJ_TRUE;
  });
  opj_image_t* image = nullptr;
  bool ok = opj_read_header(stream, codec, &image) &&
            static_cast<std::uint64_t>(image->x1 - image->x0) * (image->y1 - image->y0) <= kMostPixels &&
            opj_decode(codec, stream, image) && opj_end_decompress(codec, stream);
  if (ok)
    for (OPJ_UINT32 c = 0; c < image->numcomps; ++c) {
      const auto& comp = image->comps[c];
      planes.emplace_back();
      if (comp.data != nullptr) planes.back().assign(comp.data, comp.data + static_cast<std::size_t>(comp.w) * comp.h);
    }
  opj_image_destroy(image);
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  return ok;
}

std::string ours(const Bytes& file, int component, Plane& plane) {
  using namespace dtacs;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(file.data()), file.size());
  jp2::Decoder d;
  std::size_t size = 0;
  std::unique_ptr<std::byte, void (*)(void*)> block(nullptr, std::free);
  for (;;) {
    Arena arena({block.get(), size});
    const jp2::Outcome o =
        d.open(bytes, {.component = component, .isa = detect_isa(), .max_pixels = kMostPixels}, arena);
    if (o.ok()) break;
    if (o.status != Status::arena_too_small) return o.detail;
    size = arena.wanted();
    block.reset();
    block.reset(static_cast<std::byte*>(std::aligned_alloc(Arena::kAlign, size)));
  }
  std::vector<std::uint16_t> pixels(static_cast<std::size_t>(d.width()) * static_cast<std::size_t>(d.height()));
  const jp2::Outcome o = d.read_rows(d.height(), pixels.data(), d.width(), Parallel::serial());
  if (!o.ok()) return o.detail;
  for (const std::uint16_t v : pixels) plane.push_back(d.is_signed() ? static_cast<std::int16_t>(v) : v);
  return "";
}

// What became of one file, as a line to count.
std::string compare(const Bytes& file) {
  std::vector<Plane> theirs;
  const bool decoded = opj(file, theirs);
  Plane first;
  const std::string why = ours(file, 0, first);
  if (!decoded) return why.empty() ? "only dtacs decodes" : "both refuse";
  if (!why.empty()) return "only OpenJPEG decodes: " + why;
  for (std::size_t c = 0; c < theirs.size(); ++c) {
    Plane plane;
    const std::string o = ours(file, static_cast<int>(c), plane);
    if (!o.empty()) return "a component more by OpenJPEG: " + o;
    if (plane.size() != theirs[c].size()) return "DIFFERENT size";
    if (plane != theirs[c]) return "DIFFERENT samples";
  }
  return "both decode, equal";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 64;
  const long count = std::atol(argv[1]);
  const std::uint64_t seed = static_cast<std::uint64_t>(std::atol(argv[2]));
  std::vector<Bytes> files;
  for (int i = 4; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  std::map<std::string, long> totals;
  constexpr long kTogether = 200;  // files of one child: the other decoder may crash
  for (long begin = 0; begin < count;) {
    int fds[2];
    if (pipe(fds) != 0) return 71;
    const pid_t child = fork();
    if (child == 0) {
      for (long i = begin; i < std::min(begin + kTogether, count); ++i) {
        Rng rng{seed * 1000003 + static_cast<std::uint64_t>(i)};
        const Bytes file = mutate(files[rng.below(files.size())], rng);
        alarm(20);
        const std::string line = compare(file) + "\n";
        if (line.starts_with("DIFFERENT") || line.starts_with("a component more"))
          std::ofstream(std::string(argv[3]) + "/" + std::to_string(seed) + "_" + std::to_string(i), std::ios::binary)
              .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
        if (write(fds[1], line.data(), line.size()) < 0) _exit(1);
      }
      _exit(0);
    }
    close(fds[1]);
    std::string text;
    char block[4096];
    for (ssize_t n; (n = read(fds[0], block, sizeof block)) > 0;) text.append(block, static_cast<std::size_t>(n));
    close(fds[0]);
    int status = 0;
    waitpid(child, &status, 0);
    long lines = 0;
    for (std::size_t a = 0, b; (b = text.find('\n', a)) != std::string::npos; a = b + 1, ++lines)
      ++totals[text.substr(a, b - a)];
    begin += lines;
    if (begin < count && lines < kTogether) {  // a crash: that file is passed over
      ++totals["CRASH (seed " + std::to_string(seed) + ")"];
      std::fprintf(stderr, "crash or timeout at %ld, status %d\n", begin, status);
      ++begin;
    }
  }
  for (const auto& [line, n] : totals) std::printf("%8ld  %s\n", n, line.c_str());
}
