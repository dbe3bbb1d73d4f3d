// SPDX-License-Identifier: Apache-2.0
// How well a cloud mask agrees with the truth: counts of pixels, and scores out of them.
//
// With tp, fn, fp, tn the pixels of a class (or a group of classes) against the rest:
//   producer's accuracy (recall)  tp / (tp + fn)          user's accuracy (precision)  tp / (tp + fp)
//   F1  2 tp / (2 tp + fn + fp)                           F2   5 tp / (5 tp + 4 fn + fp)
//   IoU   tp / (tp + fn + fp)                             BOA  (tp / (tp + fn) + tn / (tn + fp)) / 2
// What would divide by nothing is NaN: it is printed as "-" and written as null.
#pragma once

#include <cstdint>
#include <vector>

#include "io/host/json.h"

namespace dtacs {

inline constexpr int kClassCount = 4;  // 0 clear, 1 thick cloud, 2 thin cloud, 3 cloud shadow
inline constexpr std::uint8_t kIgnored = 255;

struct ClassGroup {
  const char* name;
  unsigned classes;  // a bit per class
};
inline constexpr ClassGroup kSingleClasses[] = {
    {"clear", 0b0001u}, {"thick cloud", 0b0010u}, {"thin cloud", 0b0100u}, {"cloud shadow", 0b1000u}};
inline constexpr ClassGroup kGroups[] = {{"cloud", 0b0110u}, {"cloud shadow", 0b1000u}, {"invalid", 0b1110u}};
inline constexpr int kGroupCount = 3;

struct Confusion {
  std::int64_t count[kClassCount][kClassCount] = {};  // (true, found)

  // Pixels where either is no class are not counted.
  void add(std::uint8_t truth, std::uint8_t found) {
    if (truth < kClassCount && found < kClassCount) ++count[truth][found];
  }
  Confusion& operator+=(const Confusion& other);
  std::int64_t pixels() const;
};

struct ClassScores {
  std::int64_t tp = 0, fn = 0, fp = 0, tn = 0;
  double producers = 0, users = 0, f1 = 0, f2 = 0, iou = 0, boa = 0;
};
ClassScores class_scores(const Confusion& c, unsigned classes);

struct OverallScores {
  double accuracy = 0;  // share of the pixels with the right class
  double miou = 0;      // mean IoU of the classes that occur, in the truth or in what was found
  double kappa = 0;     // Cohen's
};
OverallScores overall_scores(const Confusion& c);

// How a number is distributed.  Quantiles interpolate linearly between the two nearest values.
struct Spread {
  int count = 0;  // values that are numbers; the others are left out
  double mean = 0, min = 0, q25 = 0, median = 0, q75 = 0, max = 0;
};
Spread spread(std::vector<double> values);

// A table for people; members of an open JSON object.
void print_mask_scores(const Confusion& c);
void write_mask_scores(JsonWriter& j, const Confusion& c);
void write_spread(JsonWriter& j, const Spread& s);  // a value: an object

}  // namespace dtacs
