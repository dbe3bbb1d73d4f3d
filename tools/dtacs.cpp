// SPDX-License-Identifier: Apache-2.0
// The dtacs command line.
#include <cstdio>
#include <cstring>
#include <string>

#include "io/host/failure.h"
#include "io/host/tool_main.h"
#include "tools/eval/eval.h"
#include "tools/run/args.h"
#include "tools/run/decode.h"
#include "tools/run/run.h"
#include "tools/run/selftest.h"

namespace {

using dtacs::Args;

constexpr const char* kRunOptions =
    "\n"
    "  -o DIR               folder of the outputs, made if it is not there\n"
    "  --only TASK          mask or reflectance\n"
    "  --precision P        of classification: auto (default), f32 or int8\n"
    "  --res M              working grid: 10 (default) or 20 metres\n"
    "  --window X,Y,W,H     a part, in pixels of the working grid\n"
    "  --weights FILE       instead of the built-in weights of its task; repeatable\n"
    "  --stack              all corrected bands in one file on the working grid\n"
    "  --offset WHAT        RADIO_ADD_OFFSET: auto (from the metadata), none, or a number\n"
    "  --granule TILE       which tile of a product with several\n"
    "  --raw LINE           what raw bands are: width=...,height=...,bands=B02+B03,res=10,...\n"
    "  --threads N          default: one per core; at most four per core\n"
    "  --isa NAME           auto, scalar, sse41, avx2, avxvnni, avx512, avx512vbmi, avx512vnni,\n"
    "                       amxint8, neon, dotprod or i8mm\n"
    "  --truth DIR          compare with a known answer, as tools/scene makes it\n"
    "  --resume             keep a state beside the outputs; the same command goes on from it\n"
    "  --checkpoint SECONDS between two states, default 30\n"
    "  --time-budget SECONDS  stop with a state after so long (exit 76); implies --resume\n"
    "  --max-mem BYTES      such as 256M: fewer rows at a time and fewer threads until it fits, else exit 71\n"
    "  --split BYTES        such as 10M: copies in pieces for a downlink, the most telling first\n"
    "  --quiet              no progress and no summary\n";

constexpr const char* kWatchOptions =
    "\n"
    "  --once               go through what is there, once, instead of looking on until a signal\n"
    "  --interval SECONDS   between two looks, default 10; a product that changed in between is still arriving\n"
    "  --log FILE           a line for each product, appended; default: standard output\n"
    "  --time-budget SECONDS  of the watch as a whole\n"
    "  and the options of `dtacs run`, without -o and --truth\n";

constexpr const char* kDecodeOptions =
    "\n"
    "  -o FILE              .tif, .u16 (little-endian) or .pgx\n"
    "  --reduce N           resolution levels to drop\n"
    "  --window X,Y,W,H     a part, in pixels of the reduced image\n"
    "  --component K        default: 0\n"
    "  --lenient            of a damaged file decode what is there, and say so; what is lost is mid-grey\n"
    "  --deflate            compress the .tif: a fifth smaller, four times slower\n"
    "  --threads N          default: one per core\n"
    "  --isa NAME           auto, scalar, sse41, avx2, avxvnni, avx512, avx512vbmi, avx512vnni,\n"
    "                       amxint8, neon, dotprod or i8mm\n";

constexpr const char* kEvalOptions =
    "\n"
    "  FOUND, TRUTH         GeoTIFF, JPEG 2000, raw with an ENVI header, or a folder of bands\n"
    "  --list PAIRS         a file with a line for each image: FOUND TRUTH, of reflectance also [MASK [TOA]]\n"
    "  --patch N            pixels of a patch's side, default 509\n"
    "  --json OUT           all scores as JSON\n"
    "  --threads N          default: one per core\n"
    "of masks:\n"
    "  --map M, --found-map M  codes of the truth's or found mask's classes: cloudsen12 (default), scl, fmask,\n"
    "                       s2cloudless, ukis, or pairs such as 0:0,4:1\n"
    "  --tolerance N        leaves out pixels this near another true class\n"
    "of reflectance:\n"
    "  --mask FILE          counts pixels of --classes in this mask alone, whose codes --map tells\n"
    "  --classes LIST       0 clear (default), 1 thick cloud, 2 thin cloud, 3 cloud shadow\n"
    "  --toa PRODUCT        the L1C product: scores it without correction, on the same pixels\n"
    "  --weights FILE       corrects that product too, and scores what comes out; repeatable\n"
    "  --bands LIST         to compare; of files that name none, what they hold\n"
    "  --found-offset N, --truth-offset N, --toa-offset N  added to digital numbers, such as -1000\n";

constexpr struct {
  const char* name;
  void (*run)(Args&);
  const char* const* usage;
  const char* what;
  const char* options;  // a line each
} kCommands[] = {
    {"run", dtacs::run_command, &dtacs::kRunUsage, "a Sentinel-2 L1C product to mask.tif and reflectance*.tif",
     kRunOptions},
    {"watch", dtacs::watch_command, &dtacs::kWatchUsage, "every product that appears in a folder", kWatchOptions},
    {"info", dtacs::info_command, &dtacs::kInfoUsage, "what a product is: bands, georeference, radiometry", ""},
    {"decode", dtacs::decode_command, &dtacs::kDecodeUsage, "one JPEG 2000 band to GeoTIFF or raw u16", kDecodeOptions},
    {"eval", dtacs::eval_command, &dtacs::kEvalUsage, "a mask or reflectance against the truth", kEvalOptions},
    {"selftest", dtacs::selftest_command, &dtacs::kSelftestUsage, "does this program compute rightly on this machine?",
     ""},
};

void print_help() {
  std::printf("dtacs %s: cloud masks and surface reflectance from Sentinel-2 L1C products\n", DTACS_VERSION);
  for (const auto& c : kCommands) std::printf("\n%s\n    %s\n", *c.usage, c.what);
  std::printf(
      "\nPRODUCT is a SAFE folder, an AWS tile folder, a folder of JP2 bands, or raw u16 bands with an ENVI .hdr.\n"
      "Exit codes: 0 ok, 64 usage, 65 bad data, 66 missing input, 67 unsupported product, 68 weights do not fit\n"
      "the product, 69 bad weights, 70 self-test failed, 71 not enough memory, 73 cannot create output, 74 I/O error,\n"
      "75 stopped by a signal and 76 time budget used up, both to go on from, 77 another run writes there.\n");
}

int run(int argc, char** argv) {
  const auto is = [&](const char* word) { return std::strcmp(argv[1], word) == 0; };
  if (argc < 2 || is("--help") || is("-h") || is("help")) {
    print_help();
    return argc < 2 ? static_cast<int>(dtacs::Exit::usage) : 0;
  }
  if (is("--version")) {
    std::printf("dtacs %s\n", DTACS_VERSION);
    return 0;
  }
  for (const auto& c : kCommands) {
    if (!is(c.name)) continue;
    Args args(argc - 2, argv + 2);
    if (args.flag("--help") || args.flag("-h")) {
      std::printf("%s\n    %s\n%s", *c.usage, c.what, c.options);
      return 0;
    }
    c.run(args);
    return 0;
  }
  throw dtacs::Failure(dtacs::Exit::usage, std::string("unknown command ") + argv[1] + "; see dtacs --help");
}

}  // namespace

int main(int argc, char** argv) {
  return dtacs::run_tool("dtacs", [&] { return run(argc, argv); });
}
