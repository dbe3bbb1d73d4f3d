// SPDX-License-Identifier: Apache-2.0
// How far reflectance lies from the truth.  With e = found - truth over n pixels:
//   bias  mean e                      rmse  sqrt(mean e^2)        standard deviation  sqrt(rmse^2 - bias^2)
//   mean and median absolute error    R^2   1 - sum e^2 / sum (truth - mean truth)^2
//   within  share of pixels with |e| <= 0.005 + 0.05 truth
// All are NaN without a pixel.
#pragma once

#include <cstdint>
#include <vector>

#include "io/host/json.h"

namespace dtacs {

// The sums, without the distribution.
struct ErrorSums {
  std::int64_t count = 0, within = 0;
  double error = 0, square = 0, absolute = 0, truth = 0, truth_square = 0;

  void add(double found, double truth_value);
  ErrorSums& operator+=(const ErrorSums& other);

  double bias() const;
  double rmse() const;
  double deviation() const;
  double mean_absolute() const;
  double r2() const;
  double share_within() const;
};

// With a histogram of |e| in steps of 0.0001, which makes the median exact for reflectance
// stored as x 10000; errors above 2 count as 2.
class ReflectanceErrors {
 public:
  void add(double found, double truth);
  ReflectanceErrors& operator+=(const ReflectanceErrors& other);
  const ErrorSums& sums() const { return sums_; }
  double median_absolute() const;

 private:
  ErrorSums sums_;
  std::vector<std::int64_t> histogram_;  // empty before the first pixel
};

struct ErrorScores {
  std::int64_t pixels = 0;
  double rmse = 0, bias = 0, deviation = 0, mean_absolute = 0, median_absolute = 0, r2 = 0, within = 0;
};
ErrorScores error_scores(const ReflectanceErrors& e);

// Members of an open JSON object.
void write_errors(JsonWriter& j, const ErrorScores& s);

}  // namespace dtacs
