// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/quantise.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "io/host/failure.h"
#include "kernels/conv3x3_s8/conv3x3_s8.h"
#include "kernels/requantise.h"
#include "net/int8_plan.h"

namespace dtacs {

namespace {

constexpr double kTwo31 = 2147483648.0;

double zero_of(const Layer* producer) {
  return producer != nullptr && producer->act == Act::none ? 128.0 : 0.0;
}

class Quantiser {
 public:
  Quantiser(const Net& net, const WeightsFile& weights, const std::vector<TensorRanges>& ranges,
            const QuantiseOptions& options)
      : net_(net), weights_(weights), ranges_(ranges), options_(options) {
    producer_.resize(static_cast<std::size_t>(net.tensor_count));
    units_.resize(producer_.size());
    for (int i = 0; i < net.layer_count; ++i) producer_[static_cast<std::size_t>(net.layers[i].out)] = &net.layers[i];
    equalise();
  }

  std::vector<WeightsTensor> run() {
    for (int i = 0; i < net_.layer_count; ++i) layer(net_.layers[i]);
    return std::move(tensors_);
  }

 private:
  // One output channel: its float weights times the inputs' units, and what they become.
  struct Row {
    std::vector<double> w;     // [channel][tap], in units of the sum
    std::vector<double> mean;  // by channel: mean of (integer - zero)
    int taps = 1, half = 0;    // channels below `half` are read upsampled
    bool stem = false, depthwise = false, wide = false;
  };

  // The unit of a channel's integers, once its layer is done.
  double unit(int tensor, int channel) const {
    if (tensor == 0) return 1.0 / kPixelsS16Unit;
    return units_[static_cast<std::size_t>(tensor)][static_cast<std::size_t>(channel)];
  }
  // What its range asks for: 0..255 is 0..hi, or 1..255 is -most..most around 128.
  double range_unit(int tensor, int channel) const {
    const TensorRanges& all = ranges_[static_cast<std::size_t>(tensor)];
    const bool linear = zero_of(producer_[static_cast<std::size_t>(tensor)]) != 0;
    const auto size = [&](const ChannelRange& r) { return static_cast<double>(linear ? std::max(r.hi, -r.lo) : r.hi); };
    double largest = 1e-6;
    for (const ChannelRange& r : all) largest = std::max(largest, size(r));
    // A channel that is all but dead takes its unit from the others.
    const double own = std::max(size(all[static_cast<std::size_t>(channel)]), largest * 1e-4);
    return own / (linear ? 127.0 : 255.0);
  }
  double wanted_unit(int tensor, int channel) const {
    return range_unit(tensor, channel) * coarser_[static_cast<std::size_t>(tensor)][static_cast<std::size_t>(channel)];
  }
  bool wide(const Layer& l) const {
    return may_be_wide(l) &&
           std::find(options_.wide.begin(), options_.wide.end(), std::string(l.key.text)) != options_.wide.end();
  }
  static int taps_of(const Layer& l) { return l.op == Op::pointwise ? 1 : 9; }

  std::vector<float> widen(const std::string& name) const {
    const TensorView view = weights_.find(name);
    if (view.rank == 0 || is_integer(view.dtype)) throw Failure(Exit::bad_weights, "tensor " + name + " is not float");
    std::vector<float> values(view.count());
    view.to_f32(values.data());
    return values;
  }

  void equalise();
  void layer(const Layer& l);
  std::vector<std::int32_t> round_row(const Row& row, double a) const;
  double least_unit(const Row& row) const;
  void balance(const Row& row, std::vector<std::int32_t>& q, double a) const;
  using Errors = std::array<double, 4>;
  Errors mean_error(const Row& row, const std::vector<std::int32_t>& q, double a) const;

  const Net& net_;
  const WeightsFile& weights_;
  const std::vector<TensorRanges>& ranges_;
  QuantiseOptions options_;
  std::vector<const Layer*> producer_;
  std::vector<std::vector<double>> units_;    // by tensor and channel
  std::vector<std::vector<double>> coarser_;  // than its range asks for, as above
  std::vector<WeightsTensor> tensors_;
};

// Takes from the larger of two what is too much for a pair; both have the same sign then.
void fit_pair(std::int32_t& a, std::int32_t& b) {
  while (!pair_fits(a, b)) {
    std::int32_t& larger = std::abs(a) >= std::abs(b) ? a : b;
    larger -= larger > 0 ? 1 : -1;
  }
}

// What the unit of a row's sum must be at least for its weights to fit unclipped.
double Quantiser::least_unit(const Row& row) const {
  double most = 0;
  if (row.stem) {
    double sum = 0;
    for (const double w : row.w) {
      most = std::max(most, std::fabs(w));
      sum += std::fabs(w);
    }
    return std::max(most / 32767, sum / 60000);  // 2^15 * 60000 leaves room for the bias
  }
  if (row.wide) {
    double sum = 0;
    for (const double w : row.w) {
      most = std::max(most, std::fabs(w));
      sum += std::fabs(w);
    }
    return std::max(most / kMostWide, sum * 255 / (0.99 * kMostBias));
  }
  const auto at = [&](std::size_t i) { return row.w[i]; };
  const auto pair = [](double x, double y) {
    return std::max(std::max(x, 0.0) + std::max(y, 0.0), -std::min(x, 0.0) - std::min(y, 0.0)) / kMostPair;
  };
  const auto taps = static_cast<std::size_t>(row.taps), half = static_cast<std::size_t>(row.half) * taps;
  for (std::size_t i = 0; i < row.w.size(); ++i) most = std::max(most, std::fabs(at(i)) / (i < half ? 63.0 : 127.0));
  if (row.depthwise) {
    for (std::size_t i = 0; i < 9; ++i)
      if (i % 3 < 2) most = std::max(most, pair(at(i), at(i + 1)));
    return most;
  }
  for (std::size_t i = half; i < row.w.size(); i += 2 * taps)
    for (std::size_t t = i; t < i + taps; ++t) most = std::max(most, pair(at(t), at(t + taps)));
  // Phases: sums of taps, which pairs of channels must fit as well.
  constexpr int kFirst[4] = {0, 1, 0, 2}, kLast[4] = {0, 2, 1, 2};
  const auto phase = [&](std::size_t c, int k, int l) {
    double sum = 0;
    for (int i = kFirst[k]; i <= kLast[k]; ++i)
      for (int j = kFirst[l]; j <= kLast[l]; ++j) sum += at(c * taps + static_cast<std::size_t>(3 * i + j));
    return sum;
  };
  for (std::size_t c = 0; c < static_cast<std::size_t>(row.half); c += 2)
    for (int k = 0; k < 4; ++k)
      for (int l = 0; l < 4; ++l) {
        const double x = phase(c, k, l), y = phase(c + 1, k, l);
        most = std::max({most, std::fabs(x) / 125, std::fabs(y) / 125, pair(x, y) * kMostPair / (kMostPair - 4)});
      }
  return most;
}

// The row's integers in units of a, within what is allowed.
std::vector<std::int32_t> Quantiser::round_row(const Row& row, double a) const {
  const auto taps = static_cast<std::size_t>(row.taps), half = static_cast<std::size_t>(row.half) * taps;
  const double limit = row.stem ? 32767 : row.wide ? kMostWide : 127;
  std::vector<std::int32_t> q(row.w.size());
  for (std::size_t i = 0; i < q.size(); ++i) {
    const double unit = i < half ? a / 2 : a;
    q[i] = static_cast<std::int32_t>(std::lround(std::clamp(row.w[i] / unit, -limit, limit)));
  }
  if (row.stem || row.wide) {
    // no pairs to fit
  } else if (row.depthwise) {
    for (std::size_t i = 0; i < 9; i += 3) {
      fit_pair(q[i], q[i + 1]);
      fit_pair(q[i + 1], q[i + 2]);
    }
  } else {
    for (std::size_t i = half; i < q.size(); i += 2 * taps)
      for (std::size_t t = i; t < i + taps; ++t) fit_pair(q[t], q[t + taps]);
  }
  return q;
}

// The weight of a phase from taps as stored: see conv3x3_s8.h.
std::int32_t half_of(std::int32_t sum) {
  return (sum + (sum >> 1 & 1)) >> 1;
}

// Of the nine taps q of a channel, those that a pixel of parity (py, px) adds up with tap t.
std::int32_t met_with(const std::int32_t* q, int py, int px, int t) {
  constexpr int kFirst[2][3] = {{0, 1, 1}, {0, 0, 2}}, kLast[2][3] = {{0, 2, 2}, {1, 1, 2}};
  std::int32_t sum = 0;
  for (int i = kFirst[py][t / 3]; i <= kLast[py][t / 3]; ++i)
    for (int j = kFirst[px][t % 3]; j <= kLast[px][t % 3]; ++j) sum += q[3 * i + j];
  return sum;
}

// By how much rounded weights raise the sum in the mean, in units of a, by parity of the
// output pixel; the same four times where nothing is upsampled.
Quantiser::Errors Quantiser::mean_error(const Row& row, const std::vector<std::int32_t>& q, double a) const {
  const auto taps = static_cast<std::size_t>(row.taps);
  Errors errors = {};
  for (std::size_t c = 0; c < row.mean.size(); ++c) {
    double rounded = 0, exact = 0;
    for (std::size_t t = 0; t < taps; ++t) {
      exact += row.w[c * taps + t] / a;
      rounded += q[c * taps + t];
    }
    const bool half = c < static_cast<std::size_t>(row.half);
    for (std::size_t parity = 0; parity < 4; ++parity) {
      if (half) {
        rounded = 0;
        constexpr int kOf[2][2] = {{0, 2}, {0, 2}};  // a tap of either pixel of an axis
        for (const int i : kOf[parity >> 1])
          for (const int k : kOf[parity & 1])
            rounded +=
                half_of(met_with(&q[c * taps], static_cast<int>(parity >> 1), static_cast<int>(parity & 1), 3 * i + k));
      }
      errors[parity] += (rounded - exact) * row.mean[c];
    }
  }
  return errors;
}

// Rounds some weights the other way, those nearest to a half first, until the row's sum
// is right for the mean input.  Thousands of rounded weights otherwise scale what all
// channels have in common, which later layers subtract.
void Quantiser::balance(const Row& row, std::vector<std::int32_t>& q, double a) const {
  const auto taps = static_cast<std::size_t>(row.taps), half = static_cast<std::size_t>(row.half) * taps;
  const auto unit = [&](std::size_t i) { return i < half ? a / 2 : a; };
  const double limit = row.stem ? 32767 : row.wide ? kMostWide : 127;
  const auto fits = [&](std::size_t i, std::int32_t v) {
    if (std::abs(v) > limit) return false;
    if (i < half) return std::abs(v) <= 126;
    if (row.stem || row.wide) return true;
    if (row.depthwise) return (i % 3 == 0 || pair_fits(q[i - 1], v)) && (i % 3 == 2 || pair_fits(v, q[i + 1]));
    const std::size_t c = i / taps;
    return pair_fits(v, q[c % 2 == 0 ? i + taps : i - taps]);
  };
  // What tap i's becoming v adds to the sums.
  const auto effect = [&](std::size_t i, std::int32_t v) {
    Errors step;
    const double mean = row.mean[i / taps];
    step.fill((v - q[i]) * mean);
    const int t = static_cast<int>(i % taps);
    for (std::size_t parity = 0; parity < 4 && i < half; ++parity) {
      const std::int32_t sum =
          met_with(&q[i - i % taps], static_cast<int>(parity >> 1), static_cast<int>(parity & 1), t);
      step[parity] = (half_of(sum + v - q[i]) - half_of(sum)) * mean;
    }
    return step;
  };
  const auto size = [](const Errors& e) { return e[0] * e[0] + e[1] * e[1] + e[2] * e[2] + e[3] * e[3]; };
  struct Choice {
    double cost;
    std::size_t at;
  };
  Errors errors = mean_error(row, q, a);
  for (int round = 0; round < 3; ++round) {
    std::vector<Choice> choices;
    for (std::size_t i = 0; i < q.size(); ++i) {
      const double off = std::fabs(q[i] - row.w[i] / unit(i));
      if (off <= 0.5) choices.push_back({(1 - 2 * off) / std::max(std::fabs(row.mean[i / taps]), 1e-3), i});
    }
    std::sort(choices.begin(), choices.end(),
              [](const Choice& x, const Choice& y) { return x.cost < y.cost || (x.cost == y.cost && x.at < y.at); });
    bool changed = false;
    for (const Choice& c : choices) {
      if (size(errors) < 1) return;
      const std::int32_t to = q[c.at] > row.w[c.at] / unit(c.at) ? q[c.at] - 1 : q[c.at] + 1;
      const Errors step = effect(c.at, to);
      Errors after = errors;
      for (std::size_t p = 0; p < 4; ++p) after[p] += step[p];
      if (size(after) >= size(errors) || !fits(c.at, to)) continue;
      q[c.at] = to;
      errors = after;
      changed = true;
    }
    if (!changed) return;
  }
}

// Units that are coarser than ranges ask for, where that pays.  An activation's error is about its unit u, times the
// weights w that it meets; a weight's about its row's unit a, times the integers x / u that it meets:
//   error(u)^2 = u^2 sum w^2 + sum a^2 x^2 / u^2        least at u^4 = sum a^2 x^2 / sum w^2
// Half way there, in factors, agreed best with the float network.
void Quantiser::equalise() {
  std::vector<std::vector<double>> from_weights(producer_.size()), from_inputs(producer_.size());
  coarser_.resize(producer_.size());
  for (std::size_t t = 0; t < producer_.size(); ++t) {
    const auto channels = static_cast<std::size_t>(net_.tensors[t].channels);
    from_weights[t].assign(channels, 0.0);
    from_inputs[t].assign(channels, 0.0);
    coarser_[t].assign(channels, 1.0);
  }
  for (int i = 0; i < net_.layer_count; ++i) {
    const Layer& l = net_.layers[i];
    if (l.in == 0 || l.op == Op::dwconv3x3 || wide(l)) continue;  // a row of one channel, or of fine weights
    const std::vector<float> w = widen(std::string(l.key.text) + ".w");
    const int outputs = net_.tensors[l.out].channels, inputs = net_.tensors[l.in].channels;
    const int depth = net_.depth(l), taps = taps_of(l);
    const auto source = [&](int c) { return c < inputs ? std::pair{l.in, c} : std::pair{l.skip, c - inputs}; };
    for (int n = 0; n < outputs; ++n) {
      const float* own = w.data() + static_cast<std::ptrdiff_t>(n) * depth * taps;
      Row row;
      row.taps = taps;
      row.half = l.up2 ? inputs : 0;
      for (int c = 0; c < depth; ++c)
        for (int t = 0; t < taps; ++t)
          row.w.push_back(static_cast<double>(own[c * taps + t]) * range_unit(source(c).first, source(c).second));
      const double a = least_unit(row), scale = l.op == Op::head3x3 ? 1.0 : range_unit(l.out, n);
      for (int c = 0; c < depth; ++c) {
        const auto tensor = static_cast<std::size_t>(source(c).first),
                   channel = static_cast<std::size_t>(source(c).second);
        const ChannelRange& r = ranges_[tensor][channel];
        const double eighth = static_cast<double>(r.hi) / 8, square = r.mean * r.mean + eighth * eighth;
        from_weights[tensor][channel] += taps * square * (a / scale) * (a / scale);
        for (int t = 0; t < taps; ++t) {
          const double size = static_cast<double>(own[c * taps + t]) / scale;
          from_inputs[tensor][channel] += size * size;
        }
      }
    }
  }
  for (std::size_t t = 1; t < producer_.size(); ++t) {
    const Layer& l = *producer_[t];
    if (l.act == Act::none || l.op == Op::pointwise)
      continue;  // e18: coarser units cost a real scene 1 % of its pixels
    for (std::size_t c = 0; c < coarser_[t].size(); ++c) {
      if (from_inputs[t][c] <= 0) continue;
      const double best = std::sqrt(std::sqrt(from_weights[t][c] / from_inputs[t][c]));
      coarser_[t][c] = std::clamp(std::sqrt(best / range_unit(static_cast<int>(t), static_cast<int>(c))), 1.0, 4.0);
    }
  }
}

void Quantiser::layer(const Layer& l) {
  const std::string key = l.key.text;
  const std::vector<float> w = widen(key + ".w"), b = widen(key + ".b");
  const int outputs = net_.tensors[l.out].channels, inputs = net_.tensors[l.in].channels;
  const bool depthwise = l.op == Op::dwconv3x3, head = l.op == Op::head3x3, stem = l.in == 0;
  const int depth = depthwise ? 1 : net_.depth(l), taps = taps_of(l);
  if (w.size() != static_cast<std::size_t>(outputs * depth * taps) || b.size() != static_cast<std::size_t>(outputs))
    throw Failure(Exit::bad_weights, "tensor " + key + ".w or .b is of the wrong shape");

  // The input channels of an output channel.
  const auto source = [&](int n, int c) {
    if (depthwise) return std::pair{l.in, n};
    return c < inputs ? std::pair{l.in, c} : std::pair{l.skip, c - inputs};
  };
  std::vector<Row> rows(static_cast<std::size_t>(outputs));
  std::vector<double> units(rows.size());
  for (int n = 0; n < outputs; ++n) {
    Row& row = rows[static_cast<std::size_t>(n)];
    row.taps = taps;
    row.half = l.up2 ? inputs : 0;
    row.stem = stem;
    row.depthwise = depthwise;
    row.wide = wide(l);
    for (int c = 0; c < depth; ++c) {
      const auto [tensor, channel] = source(n, c);
      const double u = unit(tensor, channel);
      for (int t = 0; t < taps; ++t)
        row.w.push_back(static_cast<double>(w[static_cast<std::size_t>((n * depth + c) * taps + t)]) * u);
      const ChannelRange& r = ranges_[static_cast<std::size_t>(tensor)][static_cast<std::size_t>(channel)];
      row.mean.push_back(r.mean / u);
    }
    double a = least_unit(row);
    a = std::max(a, std::fabs(static_cast<double>(b[static_cast<std::size_t>(n)])) / (stem ? 1e8 : 2.5e8));
    units[static_cast<std::size_t>(n)] = std::max(a, 1e-12);
  }
  if (head) {  // one unit for all: their sums are compared
    const double most = *std::max_element(units.begin(), units.end());
    for (double& a : units) a = most;
  }

  const auto dims = [&](std::vector<std::uint32_t> d) { return d; };
  const auto n32 = static_cast<std::uint32_t>(outputs), d32 = static_cast<std::uint32_t>(depth);
  const std::uint32_t side = taps == 9 ? 3 : 1;
  WeightsTensor tw{.name = key + ".w",
                   .dtype = stem || wide(l) ? DType::s16 : DType::s8,
                   .dims = dims({n32, d32, side, side}),
                   .values = {}};
  WeightsTensor tb{.name = key + ".b", .dtype = DType::s32, .dims = {n32}, .values = {}};
  WeightsTensor tm{.name = key + ".m", .dtype = DType::s32, .dims = {n32}, .values = {}};
  WeightsTensor tr{.name = key + ".r", .dtype = DType::s16, .dims = {n32}, .values = {}};
  WeightsTensor ts{.name = key + ".s", .dims = {n32}, .values = {}};
  for (int n = 0; n < outputs; ++n) {
    const Row& row = rows[static_cast<std::size_t>(n)];
    double a = units[static_cast<std::size_t>(n)];
    const double wanted = head ? a : wanted_unit(l.out, n);
    // A multiplier keeps at least 13 bits; the factor of a residual fits in 15.
    a = std::max(a, wanted / (1 << 18));
    if (l.add != kNoTensor) a = std::max(a, unit(l.add, n) / 32767);
    const double s = head ? a : std::max(wanted, 2.1 * a);  // a channel that hardly speaks, of large weights
    units_[static_cast<std::size_t>(l.out)].push_back(s);
    std::vector<std::int32_t> q = round_row(row, a);
    balance(row, q, a);
    double bias = static_cast<double>(b[static_cast<std::size_t>(n)]) / a;
    const Errors e = mean_error(row, q, a);  // what balance() left
    bias -= (e[0] + e[1] + e[2] + e[3]) / 4;
    for (int c = 0; c < depth; ++c) {
      const double zero = zero_of(producer_[static_cast<std::size_t>(source(n, c).first)]);
      for (int t = 0; t < taps; ++t) bias -= zero * q[static_cast<std::size_t>(c * taps + t)];
    }
    if (l.add != kNoTensor) {
      const auto r = static_cast<std::int32_t>(std::lround(unit(l.add, n) / a));
      tr.integers.push_back(r);
      bias -= zero_of(producer_[static_cast<std::size_t>(l.add)]) * r;
    }
    if (!head) {
      const auto m = static_cast<std::int32_t>(std::lround(a / s * kTwo31));
      tm.integers.push_back(m);
      bias += (zero_of(&l) + 0.5) * kTwo31 / m;
    }
    if (std::fabs(bias) > kMostBias)
      throw Failure(Exit::bad_weights, key + ": the bias of channel " + std::to_string(n) + " is out of range");
    tb.integers.push_back(static_cast<std::int32_t>(std::lround(bias)));
    ts.values.push_back(static_cast<float>(s));
    tw.integers.insert(tw.integers.end(), q.begin(), q.end());
  }
  tensors_.push_back(std::move(tw));
  tensors_.push_back(std::move(tb));
  if (!head) tensors_.push_back(std::move(tm));
  if (l.add != kNoTensor) tensors_.push_back(std::move(tr));
  tensors_.push_back(std::move(ts));
}

}  // namespace

std::vector<WeightsTensor> quantise(const Net& net, const WeightsFile& weights, const std::vector<TensorRanges>& ranges,
                                    const QuantiseOptions& options) {
  return Quantiser(net, weights, ranges, options).run();
}

}  // namespace dtacs
