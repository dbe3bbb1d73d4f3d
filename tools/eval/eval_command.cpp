// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "io/host/failure.h"
#include "io/host/file.h"
#include "io/host/output_file.h"
#include "io/host/product.h"
#include "tools/eval/eval.h"

namespace dtacs {

const char* const kEvalUsage =
    "dtacs eval mask FOUND TRUTH [--map M] [--found-map M] [--tolerance N] | eval reflectance FOUND TRUTH "
    "[--mask FILE [--map M] [--classes 0]] [--toa PRODUCT [--weights FILE]...] [--bands B02,B03,...] "
    "[--found-offset N] [--truth-offset N] [--toa-offset N] | both: [--list PAIRS instead of FOUND TRUTH] [--patch N] "
    "[--json OUT] [--threads N]";

namespace {

// Words of a line between tabs, or between blanks where it has no tab.
std::vector<std::string> words_of(std::string line) {
  line.resize(std::min(line.find('#'), line.size()));
  const char* separators = line.find('\t') != std::string::npos ? "\t\r" : " \r";
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = line.find_first_not_of(separators, at)) != std::string::npos;) {
    const std::size_t end = std::min(line.find_first_of(separators, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

std::vector<std::string> split(const std::string& s) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= s.size();) {
    const std::size_t end = std::min(s.find(',', at), s.size());
    parts.push_back(s.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::optional<int> offset_option(Args& args, const char* name) {
  return args.number(name, -65535, 65535);
}

std::vector<EvalPair> pairs_of(Args& args, EvalPair rest) {
  if (const auto list = args.value("--list")) {
    args.finish(0, kEvalUsage);
    if (!rest.mask.empty() || !rest.toa.empty())
      throw Failure(Exit::usage,
                    "--list names the mask and the L1C product of each image itself: leave --mask and --toa away");
    return read_pairs(*list);
  }
  const std::vector<std::string>& operands = args.finish(2, kEvalUsage);
  rest.found = operands[0];
  rest.truth = operands[1];
  return {rest};
}

void mask_command(Args& args) {
  MaskEvalOptions o;
  o.truth_map = parse_class_map(args.value("--map").value_or("cloudsen12"));
  o.found_map = parse_class_map(args.value("--found-map").value_or("cloudsen12"));
  o.patch = args.number("--patch", 1, 1 << 20).value_or(o.patch);
  o.tolerance = args.number("--tolerance", 0, 64).value_or(0);
  o.threads = args.number("--threads", 1, 1024).value_or(0);
  const auto json = args.value("--json");
  o.pairs = pairs_of(args, {});
  for (const EvalPair& p : o.pairs)
    if (!p.mask.empty())
      throw Failure(Exit::usage, p.found + ": a mask is compared with its truth alone, not " + p.mask);
  const MaskResult result = eval_masks(o);
  if (json) write_file(*json, mask_json(o, result));
  print_masks(o, result);
}

void reflectance_command(Args& args) {
  ReflectanceEvalOptions o;
  EvalPair rest;
  rest.mask = args.value("--mask").value_or("");
  rest.toa = args.value("--toa").value_or("");
  const auto map = args.value("--map"), classes = args.value("--classes");
  o.mask_map = parse_class_map(map.value_or("cloudsen12"));
  if (const auto& text = classes) {
    o.classes.clear();
    for (const std::string& c : split(*text)) {
      if (c.size() != 1 || c[0] < '0' || c[0] >= '0' + kClassCount)
        throw Failure(Exit::usage, "--classes " + *text + ": expected classes 0..3 with commas between them");
      o.classes.push_back(c[0] - '0');
    }
  }
  if (const auto text = args.value("--bands"))
    for (const std::string& name : split(*text)) {
      o.bands.push_back(band_index(name));
      if (o.bands.back() < 0) throw Failure(Exit::usage, "--bands " + *text + ": " + name + " is no band");
    }
  o.found_offset = offset_option(args, "--found-offset");
  o.truth_offset = offset_option(args, "--truth-offset");
  o.toa_offset = offset_option(args, "--toa-offset");
  o.weights = args.values("--weights");
  o.patch = args.number("--patch", 1, 1 << 20).value_or(o.patch);
  o.threads = args.number("--threads", 1, 1024).value_or(0);
  const auto json = args.value("--json");
  o.pairs = pairs_of(args, rest);
  const auto none_has = [&](std::string EvalPair::*what) {
    return std::all_of(o.pairs.begin(), o.pairs.end(), [&](const EvalPair& p) { return (p.*what).empty(); });
  };
  if ((map || classes) && none_has(&EvalPair::mask))
    throw Failure(Exit::usage, std::string(map ? "--map" : "--classes") + " is about a mask; give it with --mask FILE");
  if (o.toa_offset && none_has(&EvalPair::toa))
    throw Failure(Exit::usage, "--toa-offset is about an L1C product; give it with --toa PRODUCT");
  const ReflectanceResult result = eval_reflectance(o);
  if (json) write_file(*json, reflectance_json(o, result));
  print_reflectance(o, result);
}

}  // namespace

std::vector<EvalPair> read_pairs(const std::string& list) {
  const MappedFile file(list);
  const auto bytes = file.bytes();
  if (bytes.size() > (std::size_t{16} << 20)) throw Failure(Exit::bad_data, list + ": too long for a list of images");
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::filesystem::path folder = std::filesystem::path(list).parent_path();
  std::vector<EvalPair> pairs;
  int number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::vector<std::string> words = words_of(text.substr(at, end - at));
    at = end + 1;
    ++number;
    if (words.empty()) continue;
    if (words.size() < 2 || words.size() > 4)
      throw Failure(Exit::bad_data, list + ": line " + std::to_string(number) + " has " + std::to_string(words.size()) +
                                        " paths, expected FOUND TRUTH [MASK [TOA]]");
    EvalPair pair;
    std::string* const to[] = {&pair.found, &pair.truth, &pair.mask, &pair.toa};
    for (std::size_t i = 0; i < words.size(); ++i)
      if (words[i] != "-") *to[i] = (folder / words[i]).string();  // absolute paths stay
    pairs.push_back(pair);
  }
  if (pairs.empty()) throw Failure(Exit::bad_data, list + ": no image in this list");
  return pairs;
}

void eval_command(Args& args) {
  const std::string what = args.take_first();
  if (what == "mask") return mask_command(args);
  if (what == "reflectance") return reflectance_command(args);
  throw Failure(Exit::usage, "expected mask or reflectance; see dtacs eval --help");
}

}  // namespace dtacs
