// SPDX-License-Identifier: Apache-2.0
#include "tools/eval/mask_scores.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

namespace dtacs {

namespace {

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : std::numeric_limits<double>::quiet_NaN();
}

std::string text(double v) {
  if (std::isnan(v)) return "-";
  char s[32];
  std::snprintf(s, sizeof s, "%.3f", v);
  return s;
}

void print_row(const ClassGroup& g, const Confusion& c) {
  const ClassScores s = class_scores(c, g.classes);
  std::printf("  %-14s %10s %10s %6s %6s %6s %6s\n", g.name, text(s.producers).c_str(), text(s.users).c_str(),
              text(s.f1).c_str(), text(s.f2).c_str(), text(s.iou).c_str(), text(s.boa).c_str());
}

void write_row(JsonWriter& j, const ClassGroup& g, const Confusion& c) {
  const ClassScores s = class_scores(c, g.classes);
  j.key(g.name).begin_object();
  j.member("producers_accuracy", s.producers);
  j.member("users_accuracy", s.users);
  j.member("f1", s.f1);
  j.member("f2", s.f2);
  j.member("iou", s.iou);
  j.member("balanced_accuracy", s.boa);
  j.end();
}

}  // namespace

Confusion& Confusion::operator+=(const Confusion& other) {
  for (int t = 0; t < kClassCount; ++t)
    for (int f = 0; f < kClassCount; ++f) count[t][f] += other.count[t][f];
  return *this;
}

std::int64_t Confusion::pixels() const {
  std::int64_t n = 0;
  for (const auto& row : count)
    for (const std::int64_t v : row) n += v;
  return n;
}

ClassScores class_scores(const Confusion& c, unsigned classes) {
  ClassScores s;
  for (unsigned t = 0; t < kClassCount; ++t)
    for (unsigned f = 0; f < kClassCount; ++f) {
      const bool is = (classes >> t & 1u) != 0, said = (classes >> f & 1u) != 0;
      (is ? said ? s.tp : s.fn : said ? s.fp : s.tn) += c.count[t][f];
    }
  const auto tp = static_cast<double>(s.tp), fn = static_cast<double>(s.fn), fp = static_cast<double>(s.fp),
             tn = static_cast<double>(s.tn);
  s.producers = ratio(tp, tp + fn);
  s.users = ratio(tp, tp + fp);
  s.f1 = ratio(2 * tp, 2 * tp + fn + fp);
  s.f2 = ratio(5 * tp, 5 * tp + 4 * fn + fp);
  s.iou = ratio(tp, tp + fn + fp);
  s.boa = (ratio(tp, tp + fn) + ratio(tn, tn + fp)) / 2;
  return s;
}

OverallScores overall_scores(const Confusion& c) {
  OverallScores o;
  const auto n = static_cast<double>(c.pixels());
  double right = 0, by_chance = 0, iou = 0;
  int occurring = 0;
  for (int k = 0; k < kClassCount; ++k) {
    double truth = 0, found = 0;
    for (int i = 0; i < kClassCount; ++i) {
      truth += static_cast<double>(c.count[k][i]);
      found += static_cast<double>(c.count[i][k]);
    }
    right += static_cast<double>(c.count[k][k]);
    by_chance += ratio(truth, n) * ratio(found, n);
    if (truth + found == 0) continue;
    iou += class_scores(c, 1u << k).iou;
    ++occurring;
  }
  o.accuracy = ratio(right, n);
  o.miou = ratio(iou, occurring);
  o.kappa = ratio(o.accuracy - by_chance, 1 - by_chance);
  return o;
}

Spread spread(std::vector<double> values) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  std::sort(values.begin(), values.end());
  Spread s;
  s.count = static_cast<int>(values.size());
  if (values.empty()) {
    s.mean = s.min = s.q25 = s.median = s.q75 = s.max = std::numeric_limits<double>::quiet_NaN();
    return s;
  }
  const auto quantile = [&](double q) {
    const double at = q * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
  };
  for (const double v : values) s.mean += v;
  s.mean /= static_cast<double>(values.size());
  s.min = values.front();
  s.q25 = quantile(0.25);
  s.median = quantile(0.5);
  s.q75 = quantile(0.75);
  s.max = values.back();
  return s;
}

void print_mask_scores(const Confusion& c) {
  const auto n = static_cast<double>(c.pixels());
  std::printf("pixels, %% of the %lld counted    found\n  %-14s", static_cast<long long>(c.pixels()), "true");
  for (const auto& f : kSingleClasses) std::printf(" %19s", f.name);
  std::printf("\n");
  for (int t = 0; t < kClassCount; ++t) {
    std::printf("  %-14s", kSingleClasses[t].name);
    for (const std::int64_t v : c.count[t])
      std::printf(" %11lld %6.2f%%", static_cast<long long>(v), n > 0 ? 100 * static_cast<double>(v) / n : 0.0);
    std::printf("\n");
  }
  std::printf("\n  %-14s %10s %10s %6s %6s %6s %6s\n", "", "producer's", "user's", "F1", "F2", "IoU", "BOA");
  for (const auto& g : kSingleClasses)
    if (g.classes != kGroups[1].classes) print_row(g, c);  // shadow comes with the groups
  for (const auto& g : kGroups) print_row(g, c);
  const OverallScores o = overall_scores(c);
  std::printf("  overall accuracy %s, mean IoU %s, kappa %s\n", text(o.accuracy).c_str(), text(o.miou).c_str(),
              text(o.kappa).c_str());
}

void write_mask_scores(JsonWriter& j, const Confusion& c) {
  j.member("pixels", c.pixels());
  j.key("confusion").begin_array();
  for (const auto& row : c.count) {
    j.begin_array();
    for (const std::int64_t n : row) j.value(n);
    j.end();
  }
  j.end();
  const OverallScores o = overall_scores(c);
  j.member("overall_accuracy", o.accuracy);
  j.member("mean_iou", o.miou);
  j.member("kappa", o.kappa);
  for (const auto& g : kSingleClasses)
    if (g.classes != kGroups[1].classes) write_row(j, g, c);
  for (const auto& g : kGroups) write_row(j, g, c);
}

void write_spread(JsonWriter& j, const Spread& s) {
  j.begin_object();
  j.member("count", s.count);
  j.member("mean", s.mean);
  j.member("min", s.min);
  j.member("q25", s.q25);
  j.member("median", s.median);
  j.member("q75", s.q75);
  j.member("max", s.max);
  j.end();
}

}  // namespace dtacs
