// SPDX-License-Identifier: Apache-2.0
// `dtacs eval`: agreement of masks and reflectance with a truth.
//
// Pixels are compared where both sides have data, on the finer of the two grids.  The no-data
// value of a mask is no class, whatever a map makes of its code.  Scores are
// given pooled (all pixels of all images), by image, and by patch: a scene is cut into
// round(size / N) by round(size / N) patches of nearly N x N pixels.
//
// A patch without a positive pixel in the truth has F1 = F2 = IoU = 1 where none was found
// (it is perfect) and 0 where any was; `with_positives` in the JSON leaves such patches out.
// Producer's accuracy and BOA do not exist for it, and it does not count in theirs.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "io/bands.h"
#include "tools/eval/class_map.h"
#include "tools/eval/mask_scores.h"
#include "tools/eval/reflectance_errors.h"
#include "tools/run/args.h"

namespace dtacs {

// One image: what was found and the truth, and for reflectance perhaps a mask of what counts
// and the L1C product or its files.
struct EvalPair {
  std::string found, truth, mask, toa;
};

// A line for each image: FOUND TRUTH [MASK [TOA]], separated by tabs where the line has one,
// else by blanks; "-" for none; # begins a comment.  Paths are relative to the list's folder.
// Throws Failure: missing_input, bad_data.
std::vector<EvalPair> read_pairs(const std::string& list);

struct MaskEvalOptions {
  std::vector<EvalPair> pairs;
  ClassMap found_map, truth_map;
  int patch = 509;    // pixels
  int tolerance = 0;  // pixels this near another true class are not counted
  int threads = 0;
};

struct MaskResult {
  std::vector<Confusion> images;
  Confusion pooled;
  std::vector<Confusion> patches;  // of all images, those with a counted pixel
};

// Throws Failure: as open_mask() and Frame do; bad_data where no pixel of any pair counts.
MaskResult eval_masks(const MaskEvalOptions& options);
std::string mask_json(const MaskEvalOptions& options, const MaskResult& result);
void print_masks(const MaskEvalOptions& options, const MaskResult& result);

struct ReflectanceEvalOptions {
  std::vector<EvalPair> pairs;
  ClassMap mask_map;
  std::vector<int> classes = {0};  // of the mask, that count
  std::vector<int> bands;          // to compare, all without; of files that do not name theirs, those they hold
  std::optional<int> found_offset, truth_offset, toa_offset;
  std::vector<std::string> weights;  // also correct the L1C product with these, and score that
  int patch = 509;
  int threads = 0;
};

// By band index; bands that were not compared have no pixel, and NaN for the rest.
using BandScores = std::array<ErrorScores, kBandCount>;

// What came of one method over all images.
struct MethodResult {
  std::string name;                // "found", "no correction", or the name of a weights file
  std::vector<BandScores> images;  // by image
  std::array<ReflectanceErrors, kBandCount> pooled;
  std::array<std::array<ReflectanceErrors, kClassCount>, kBandCount> by_class;  // with a mask
  std::array<std::vector<double>, kBandCount> patch_rmse;
};

using ReflectanceResult = std::vector<MethodResult>;

// Throws Failure: as open_reflectance() and Frame do; bad_data where no pixel of any pair counts.
ReflectanceResult eval_reflectance(const ReflectanceEvalOptions& options);
std::string reflectance_json(const ReflectanceEvalOptions& options, const ReflectanceResult& result);
void print_reflectance(const ReflectanceEvalOptions& options, const ReflectanceResult& result);

void eval_command(Args& args);
extern const char* const kEvalUsage;

}  // namespace dtacs
