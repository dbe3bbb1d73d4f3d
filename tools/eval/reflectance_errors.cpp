// SPDX-License-Identifier: Apache-2.0
#include "tools/eval/reflectance_errors.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dtacs {

namespace {

constexpr double kStep = 1e-4;
constexpr int kSteps = 20000;

double mean(double sum, std::int64_t count) {
  return count > 0 ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

void ErrorSums::add(double found, double truth_value) {
  const double e = found - truth_value, size = std::fabs(e);
  ++count;
  error += e;
  square += e * e;
  absolute += size;
  truth += truth_value;
  truth_square += truth_value * truth_value;
  // Stored reflectance is a multiple of 0.0001: what is meant to lie on the limit does.
  within += size <= 0.005 + 0.05 * truth_value + 1e-9 ? 1 : 0;
}

ErrorSums& ErrorSums::operator+=(const ErrorSums& o) {
  count += o.count;
  within += o.within;
  error += o.error;
  square += o.square;
  absolute += o.absolute;
  truth += o.truth;
  truth_square += o.truth_square;
  return *this;
}

double ErrorSums::bias() const {
  return mean(error, count);
}
double ErrorSums::rmse() const {
  return std::sqrt(mean(square, count));
}
double ErrorSums::deviation() const {
  const double variance = mean(square, count) - bias() * bias();
  return std::sqrt(variance < 0 ? 0 : variance);  // rounding can leave less than nothing
}
double ErrorSums::mean_absolute() const {
  return mean(absolute, count);
}
double ErrorSums::r2() const {
  const double spread = truth_square - mean(truth, count) * truth;
  return spread > 1e-12 * truth_square ? 1 - square / spread : std::numeric_limits<double>::quiet_NaN();
}
double ErrorSums::share_within() const {
  return mean(static_cast<double>(within), count);
}

void ReflectanceErrors::add(double found, double truth) {
  sums_.add(found, truth);
  if (histogram_.empty()) histogram_.resize(kSteps + 1);
  const double steps = std::min(std::fabs(found - truth) / kStep, static_cast<double>(kSteps));
  ++histogram_[static_cast<std::size_t>(std::lround(steps))];
}

ReflectanceErrors& ReflectanceErrors::operator+=(const ReflectanceErrors& other) {
  sums_ += other.sums_;
  if (histogram_.empty()) histogram_.resize(other.histogram_.size());
  for (std::size_t i = 0; i < other.histogram_.size(); ++i) histogram_[i] += other.histogram_[i];
  return *this;
}

double ReflectanceErrors::median_absolute() const {
  if (sums_.count == 0) return std::numeric_limits<double>::quiet_NaN();
  // The mean of the two middle values, which are one where the count is odd.
  const auto value_at = [&](std::int64_t rank) {
    std::size_t i = 0;
    for (std::int64_t before = histogram_[0]; before <= rank; before += histogram_[++i]) {
    }
    return static_cast<double>(i) * kStep;
  };
  return (value_at((sums_.count - 1) / 2) + value_at(sums_.count / 2)) / 2;
}

ErrorScores error_scores(const ReflectanceErrors& e) {
  const ErrorSums& s = e.sums();
  return {.pixels = s.count,
          .rmse = s.rmse(),
          .bias = s.bias(),
          .deviation = s.deviation(),
          .mean_absolute = s.mean_absolute(),
          .median_absolute = e.median_absolute(),
          .r2 = s.r2(),
          .within = s.share_within()};
}

void write_errors(JsonWriter& j, const ErrorScores& s) {
  j.member("pixels", s.pixels);
  j.member("rmse", s.rmse);
  j.member("bias", s.bias);
  j.member("standard_deviation", s.deviation);
  j.member("mean_absolute_error", s.mean_absolute);
  j.member("median_absolute_error", s.median_absolute);
  j.member("r2", s.r2);
  j.member("share_within_spec", s.within);
}

}  // namespace dtacs
