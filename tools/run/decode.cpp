// SPDX-License-Identifier: Apache-2.0
#include "tools/run/decode.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <functional>
#include <vector>

#include "io/host/failure.h"
#include "io/host/geotiff.h"
#include "io/host/geotiff_place.h"
#include "io/host/jp2_band.h"
#include "io/host/jp2_geo.h"
#include "io/host/openmp.h"
#include "io/host/output_file.h"

namespace dtacs {

const char* const kDecodeUsage =
    "dtacs decode BAND.jp2 -o OUT.tif|OUT.u16|OUT.pgx [--reduce N] [--window X,Y,W,H] [--component K] [--lenient] "
    "[--deflate] [--threads N] [--isa NAME]";

namespace {

constexpr int kRowsAtOnce = 64;

// take(rows, count) for all rows of the band, top to bottom.
void for_all_rows(Jp2Band& band, const std::function<void(const std::uint16_t*, int)>& take) {
  std::vector<std::uint16_t> rows(static_cast<std::size_t>(band.width()) * kRowsAtOnce);
  for (int y = 0; y < band.height(); y += kRowsAtOnce) {
    const int count = std::min(kRowsAtOnce, band.height() - y);
    band.read_rows(count, rows.data(), band.width());
    take(rows.data(), count);
  }
}

// Samples as words (or bytes) of the given byte order behind a header.
void write_raw(Jp2Band& band, const std::string& path, const std::string& header, bool bytes, bool big_endian) {
  OutputFile file(path);
  file.append(header);
  std::vector<std::uint8_t> packed;
  const bool as_they_are = !bytes && big_endian == (std::endian::native == std::endian::big);
  for_all_rows(band, [&](const std::uint16_t* rows, int count) {
    const auto n = static_cast<std::size_t>(band.width()) * static_cast<std::size_t>(count);
    if (as_they_are) return file.append(rows, 2 * n);
    packed.resize(bytes ? n : 2 * n);
    const std::size_t high = big_endian ? 0 : 1;
    for (std::size_t i = 0; i < n; ++i) {
      if (bytes) {
        packed[i] = static_cast<std::uint8_t>(rows[i]);
      } else {
        packed[2 * i + high] = static_cast<std::uint8_t>(rows[i] >> 8);
        packed[2 * i + 1 - high] = static_cast<std::uint8_t>(rows[i]);
      }
    }
    file.append(packed.data(), packed.size());
  });
  file.finish();
}

void warn(const std::string& file, const std::string& what) {
  std::fprintf(stderr, "dtacs: %s: warning: %s\n", file.c_str(), what.c_str());
}

void write_tiff(Jp2Band& band, const std::string& in, const std::string& out, const Jp2Options& options,
                Compress compress) {
  GeoTiffOptions o = {.width = band.width(), .height = band.height(), .bits = band.bits() <= 8 ? 8 : 16};
  o.is_signed = band.is_signed();
  o.compress = compress;
  o.predictor = true;
  o.parallel = options.parallel;
  // The place counts in pixels of the reference grid, of which a sample spans some: those
  // of the component times 2^reduce.  The first sample is on the first multiple of that.
  const Jp2Summary summary = summarize_jp2(in, options.component);
  const auto& place = summary.placement;
  const double step_x = std::ldexp(summary.dx, options.reduce), step_y = std::ldexp(summary.dy, options.reduce);
  const std::string problem = place ? grid_problem(step_x * place->dx, step_y * place->dy, 0) : summary.place_problem;
  if (!problem.empty()) warn(in, "written without a place: " + problem);
  if (place && problem.empty()) {
    const auto pixels_from_corner = [](int sample, double step, int origin) {
      return (std::ceil(origin / step) + sample) * step - origin;
    };
    o.epsg = place->epsg;
    o.pixel_size = step_x * place->dx;
    o.ulx = place->ulx + pixels_from_corner(options.window.x, step_x, summary.x0) * place->dx;
    o.uly = place->uly - pixels_from_corner(options.window.y, step_y, summary.y0) * place->dy;
  }
  GeoTiffWriter writer(out, o);
  std::vector<std::uint8_t> narrow;
  for_all_rows(band, [&](const std::uint16_t* rows, int count) {
    if (o.bits == 16) return writer.write_rows(0, rows, count);
    narrow.resize(static_cast<std::size_t>(band.width()) * static_cast<std::size_t>(count));
    std::transform(rows, rows + narrow.size(), narrow.begin(),
                   [](std::uint16_t v) { return static_cast<std::uint8_t>(v); });
    writer.write_rows(0, narrow.data(), count);
  });
  writer.finish();
}

void decode(const std::string& in, const std::string& out, const Jp2Options& options, Compress compress) {
  Jp2Band band(in, options);
  if (out.ends_with(".tif")) return write_tiff(band, in, out, options, compress);
  if (out.ends_with(".u16")) return write_raw(band, out, "", false, false);
  const std::string header = std::string("PG ML ") + (band.is_signed() ? "-" : "+") + " " +
                             std::to_string(band.bits()) + " " + std::to_string(band.width()) + " " +
                             std::to_string(band.height()) + "\n";
  write_raw(band, out, header, band.bits() <= 8, true);
}

}  // namespace

void decode_command(Args& args) {
  Jp2Options options;
  const std::string out = args.value("-o", "--output").value_or("");
  options.reduce = args.number("--reduce", 0, 32).value_or(0);
  options.component = args.number("--component", 0, 16383).value_or(0);
  const bool lenient = args.flag("--lenient");
  const Compress compress = args.flag("--deflate") ? Compress::deflate : Compress::none;
  if (const auto r = args.rect("--window")) options.window = {r->x, r->y, r->width, r->height};
  options.isa = args.isa("--isa");
  const int threads = args.number("--threads", 1, 1024).value_or(available_threads());
  const std::string in = args.finish(1, kDecodeUsage)[0];
  if (!out.ends_with(".tif") && !out.ends_with(".u16") && !out.ends_with(".pgx"))
    throw Failure(Exit::usage, "expected -o OUT.tif, OUT.u16 or OUT.pgx");
  if (compress == Compress::deflate && !out.ends_with(".tif"))
    throw Failure(Exit::usage, out + ": only a .tif can be compressed; leave --deflate away");

  with_threads(threads, [&](const Parallel& parallel) {
    options.parallel = parallel;
    try {
      decode(in, out, options, compress);
    } catch (const Failure& e) {
      if (!lenient || e.exit() != Exit::bad_data) throw;
      options.strict = false;
      decode(in, out, options, compress);
      std::fprintf(stderr, "dtacs: warning: %s; what is lost is mid-grey\n", e.what());
    }
  });
}

}  // namespace dtacs
