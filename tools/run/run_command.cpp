// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdio>

#include "io/host/failure.h"
#include "tools/run/downlink.h"
#include "tools/run/run.h"

namespace dtacs {

const char* const kRunUsage =
    "dtacs run PRODUCT -o DIR [--only mask|reflectance] [--res 10|20] [--window X,Y,W,H] [--weights FILE]... "
    "[--stack] [--precision auto|f32|int8] [--offset auto|none|N] [--granule TILE] [--raw LINE] [--threads N] [--isa "
    "NAME] [--truth DIR] [--resume] [--checkpoint SECONDS] [--time-budget SECONDS] [--max-mem BYTES] [--split BYTES] "
    "[--quiet]";

namespace {

std::optional<int> offset_option(Args& args) {
  const auto text = args.value("--offset");
  if (!text || *text == "auto") return std::nullopt;
  if (*text == "none") return 0;
  int n = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), n);
  if (error != std::errc() || end != text->data() + text->size() || n < -10000 || n > 10000)
    throw Failure(Exit::usage, "--offset " + *text + ": expected auto, none or a whole number such as -1000");
  return n;
}

// "10M": bytes, or 1024, 1024^2, 1024^3 of them.
std::uint64_t bytes_option(Args& args, const char* name) {
  const auto text = args.value(name);
  if (!text) return 0;
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), n);
  const std::string unit(end, text->data() + text->size());
  const int shift = unit.empty() ? 0 : unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : -1;
  if (error != std::errc() || shift < 0 || n == 0 || n > UINT64_MAX >> 30)
    throw Failure(Exit::usage, std::string(name) + " " + *text + ": expected a number of bytes, such as 10M");
  return n << shift;
}

}  // namespace

RunOptions run_options(Args& args) {
  RunOptions o;
  o.weights = args.values("--weights");
  o.stack = args.flag("--stack");
  o.quiet = args.flag("--quiet");
  o.resume = args.flag("--resume");
  if (const auto seconds = args.number("--time-budget", 0, 1 << 30)) {
    o.time_budget = *seconds;
    o.resume = true;
  }
  o.checkpoint = args.number("--checkpoint", 0, 1 << 30);
  o.window = args.rect("--window");
  o.offset = offset_option(args);
  o.threads = args.number("--threads", 1, 1024).value_or(0);
  o.isa = args.isa("--isa");
  o.hints.granule = args.value("--granule").value_or("");
  o.hints.raw_header = args.value("--raw").value_or("");
  if (const auto only = args.value("--only")) {
    if (*only != "mask" && *only != "reflectance")
      throw Failure(Exit::usage, "--only " + *only + ": expected mask or reflectance");
    o.mask = *only == "mask";
    o.reflectance = *only == "reflectance";
  }
  if (const auto precision = args.value("--precision"); precision && *precision != "auto") {
    if (*precision != "f32" && *precision != "int8")
      throw Failure(Exit::usage, "--precision " + *precision + ": expected auto, f32 or int8");
    o.precision = *precision == "f32" ? Precision::f32 : Precision::int8;
    if (!o.mask) throw Failure(Exit::usage, "--precision is of the mask, and --only reflectance makes none");
  }
  if (o.stack && !o.reflectance) throw Failure(Exit::usage, "--stack is of reflectance, and --only mask makes none");
  if (const auto res = args.number("--res", 10, 20)) {
    if (*res != 10 && *res != 20) throw Failure(Exit::usage, "--res: expected 10 or 20");
    o.resolution = *res;
  }
  o.max_memory = bytes_option(args, "--max-mem");
  o.split = bytes_option(args, "--split");
  if (o.split != 0 && o.split < kLeastPiece)
    throw Failure(Exit::usage, "--split " + std::to_string(o.split) + ": expected at least 64K");
  return o;
}

void run_command(Args& args) {
  RunOptions o = run_options(args);
  o.folder = args.value("-o", "--output").value_or("");
  o.truth = args.value("--truth").value_or("");
  o.product = args.finish(1, kRunUsage)[0];
  if (o.folder.empty()) throw Failure(Exit::usage, "no output folder; give one with -o DIR");
  if (!o.truth.empty() && o.resolution == 20)
    throw Failure(Exit::usage, "--truth compares on the 10 m grid; leave --res away");
  if (o.checkpoint && !o.resume) throw Failure(Exit::usage, "--checkpoint is for --resume and --time-budget");
  if (!o.truth.empty() && o.resume) throw Failure(Exit::usage, "--truth counts a whole run; leave --resume away");
  if (const std::string warning = run(o); !warning.empty()) {
    std::fflush(stdout);
    std::fprintf(stderr, "dtacs: %s: warning: %s\n", o.product.c_str(), warning.c_str());
  }
}

}  // namespace dtacs
