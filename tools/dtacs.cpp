// SPDX-License-Identifier: Apache-2.0
// The dtacs command line.
#include <cstdio>
#include <cstring>
#include <new>

#include "io/host/failure.h"
#include "tools/eval/eval.h"
#include "tools/run/args.h"
#include "tools/run/decode.h"
#include "tools/run/run.h"

namespace {

using dtacs::Args;

constexpr struct {
  const char* name;
  void (*run)(Args&);
  const char* const* usage;
  const char* what;
} kCommands[] = {
    {"run", dtacs::run_command, &dtacs::kRunUsage, "a Sentinel-2 L1C product to mask.tif and reflectance*.tif"},
    {"info", dtacs::info_command, &dtacs::kInfoUsage, "what a product is: bands, georeference, radiometry"},
    {"decode", dtacs::decode_command, &dtacs::kDecodeUsage, "one JPEG 2000 band to GeoTIFF or raw u16"},
    {"eval", dtacs::eval_command, &dtacs::kEvalUsage, "a mask or reflectance against the truth"},
};

void print_help() {
  std::printf("dtacs %s: cloud masks and surface reflectance from Sentinel-2 L1C products\n", DTACS_VERSION);
  for (const auto& c : kCommands) std::printf("\n%s\n    %s\n", *c.usage, c.what);
  std::printf(
      "\nPRODUCT is a SAFE folder, an AWS tile folder, a folder of JP2 bands, or raw u16 bands with an ENVI .hdr.\n"
      "Exit codes: 0 ok, 64 usage, 65 bad data, 66 missing input, 67 unsupported product, 68 weights do not fit\n"
      "the product, 69 bad weights, 73 cannot create output, 74 I/O error.\n");
}

int fail(dtacs::Exit code, const char* line) {
  std::fprintf(stderr, "dtacs: %s\n", line);
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "help") == 0) {
    print_help();
    return argc < 2 ? static_cast<int>(dtacs::Exit::usage) : 0;
  }
  if (std::strcmp(argv[1], "--version") == 0) {
    std::printf("dtacs %s\n", DTACS_VERSION);
    return 0;
  }
  try {
    for (const auto& c : kCommands) {
      if (std::strcmp(argv[1], c.name) != 0) continue;
      Args args(argc - 2, argv + 2);
      if (args.flag("--help")) {
        std::printf("%s\n    %s\n", *c.usage, c.what);
        return 0;
      }
      c.run(args);
      return 0;
    }
    return fail(dtacs::Exit::usage, "unknown command; see dtacs --help");
  } catch (const dtacs::Failure& f) {
    return fail(f.exit(), f.what());
  } catch (const std::bad_alloc&) {
    return fail(dtacs::Exit::memory_cap, "not enough memory");
  } catch (const std::exception& e) {
    return fail(dtacs::Exit::io_error, e.what());
  }
}
