// SPDX-License-Identifier: Apache-2.0
// Times oneDNN on a network written by networks.write_onednn(), from planes to planes.
//   onednn_runner --model PATH --input FILE --output FILE --bands N --outputs N --size N --threads N --runs N
// Each convolution chooses its layouts; bias, activation and residual are fused into
// it; upsampling and concatenation are primitives that write the layout the next
// convolution reads, and reorders run only where layouts differ.  With scales in the
// file, tensors are 8 bit.
#include <omp.h>

#include <cmath>
#include <cstring>
#include <map>
#include <sstream>
#include <unordered_map>

#include "oneapi/dnnl/dnnl.hpp"
#include "runner.h"

namespace {

using dnnl::memory;
using dnnl::primitive_attr;
using Desc = memory::desc;
using Type = memory::data_type;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

struct Scale {
  float step = 1;
  bool is_signed = false;
};

struct Conv {
  std::string name, src, dst, act, add;
  int inputs = 0, outputs = 0, side = 0, stride = 0, groups = 0;
};

class Network {
 public:
  Network(const peers::Options& o)
      : size_(o.number("--size")),
        bands_(o.number("--bands")),
        values_(peers::read_floats(o.text("--model") + ".f32")) {
    x_ = memory({{1, bands_, size_, size_}, Type::f32, Tag::nchw}, engine_);
    put(peers::read_floats(o.text("--input")), x_);
    shape_["x"] = {bands_, size_};
    std::ifstream text(o.text("--model") + ".txt");
    for (std::string line; std::getline(text, line);) read(line);
    const int outputs = o.number("--outputs");
    result_ = memory({{1, outputs, size_, size_}, Type::f32, Tag::nchw}, engine_);
    const memory last = tensors_.at(last_conv_);
    add(dnnl::reorder(last, result_), {{DNNL_ARG_SRC, last}, {DNNL_ARG_DST, result_}});
  }

  void run() {
    for (const Step& s : steps_) s.primitive.execute(stream_, s.arguments);
    stream_.wait();
    correct();
  }

  std::vector<float> result() const {
    const auto* y = static_cast<const float*>(result_.get_data_handle());
    return {y, y + result_.get_desc().get_size() / sizeof(float)};
  }

 private:
  struct Step {
    dnnl::primitive primitive;
    Arguments arguments;
  };
  struct Shape {
    int channels, side;
  };

  void read(const std::string& line) {
    std::istringstream in(line);
    std::string kind, name;
    in >> kind >> name;
    if (kind == "scale") {
      Scale s;
      in >> s.step >> s.is_signed;
      scales_[name] = s;
    } else if (kind == "up") {
      std::string src, dst;
      in >> src >> dst;
      up_[dst] = src;
      shape_[dst] = {shape_.at(src).channels, shape_.at(src).side * 2};
    } else if (kind == "concat") {
      std::string a, b, dst;
      in >> a >> b >> dst;
      concat_[dst] = {a, b};
      shape_[dst] = {shape_.at(a).channels + shape_.at(b).channels, shape_.at(a).side};
    } else if (kind == "correct") {
      std::string x, f, dst;
      in >> x >> f >> dst;
      for (int band; in >> band;) corrected_.push_back(band);
    } else {
      Conv c;
      c.name = name;
      in >> c.src >> c.dst >> c.inputs >> c.outputs >> c.side >> c.stride >> c.groups >> c.act >> c.add;
      convolve(c);
    }
  }

  bool integers() const { return !scales_.empty(); }
  float step_of(const std::string& name) const { return integers() ? scales_.at(name).step : 1.0f; }
  Type type_of(const std::string& name) const {
    if (!integers()) return Type::f32;
    return scales_.at(name).is_signed ? Type::s8 : Type::u8;
  }

  void add(dnnl::primitive primitive, Arguments arguments) {
    steps_.push_back({std::move(primitive), std::move(arguments)});
  }

  static void put(const std::vector<float>& from, memory& to) {
    std::memcpy(to.get_data_handle(), from.data(), from.size() * sizeof(float));
  }
  memory vector_of(const std::vector<float>& values) {
    memory m({{static_cast<memory::dim>(values.size())}, Type::f32, Tag::a}, engine_);
    put(values, m);
    return m;
  }

  // `from` in another layout, divided by `step`.
  memory reordered(const memory& from, const Desc& to, float step) {
    if (from.get_desc() == to) return from;
    memory result(to, engine_);
    primitive_attr attr;
    Arguments arguments = {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, result}};
    if (step != 1.0f) {
      attr.set_scales_mask(DNNL_ARG_DST, 0);
      arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST] = vector_of({step});
    }
    add(dnnl::reorder(dnnl::reorder::primitive_desc(engine_, from.get_desc(), engine_, to, attr)), arguments);
    return result;
  }

  memory upsampled(const std::string& name) {
    if (const auto known = tensors_.find(name); known != tensors_.end()) return known->second;
    const memory& from = tensors_.at(up_.at(name));
    const Shape s = shape_.at(name);
    const Desc any({1, s.channels, s.side, s.side}, from.get_desc().get_data_type(), Tag::any);
    const dnnl::resampling_forward::primitive_desc pd(engine_, dnnl::prop_kind::forward_inference,
                                                      dnnl::algorithm::resampling_nearest, {2.0f, 2.0f},
                                                      from.get_desc(), any);
    const memory to(pd.dst_desc(), engine_);
    add(dnnl::resampling_forward(pd), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
    return tensors_[name] = to;
  }

  memory source(const std::string& name, const Desc& wanted) {
    if (name == "x") return reordered(x_, wanted, step_of("x"));
    if (up_.count(name) != 0) return reordered(upsampled(name), wanted, 1);
    const auto pair = concat_.find(name);
    if (pair == concat_.end()) return reordered(tensors_.at(name), wanted, 1);
    const memory a = upsampled(pair->second.first), b = tensors_.at(pair->second.second), to(wanted, engine_);
    add(dnnl::concat(dnnl::concat::primitive_desc(engine_, wanted, 1, {a.get_desc(), b.get_desc()})),
        {{DNNL_ARG_MULTIPLE_SRC, a}, {DNNL_ARG_MULTIPLE_SRC + 1, b}, {DNNL_ARG_DST, to}});
    return to;
  }

  void convolve(const Conv& c) {
    const int in_side = shape_.at(c.src).side, out_side = (in_side - 1) / c.stride + 1, pad = c.side / 2;
    const bool grouped = c.groups > 1, adds = c.add != "-";
    // The result of the network stays float.
    const bool float_result = !integers() || c.dst == "y" || c.dst == "f";
    shape_[c.dst] = {c.outputs, out_side};

    const long depth = c.inputs / c.groups, size = depth * c.side * c.side;
    const float* weights = values_.data() + at_;
    const std::vector<float> bias(weights + c.outputs * size, weights + c.outputs * size + c.outputs);
    at_ += c.outputs * (size + 1);
    std::vector<float> steps;  // of the weights, by output
    for (int n = 0; n < c.outputs && integers(); ++n) {
      float most = 1e-8f;
      for (long i = 0; i < size; ++i) most = std::max(most, std::fabs(weights[n * size + i]));
      steps.push_back(most / 127);
    }

    const memory::dims dims =
        grouped ? memory::dims{c.groups, 1, 1, c.side, c.side} : memory::dims{c.outputs, c.inputs, c.side, c.side};
    const Desc src({1, c.inputs, in_side, in_side}, type_of(c.src), Tag::any);
    const Desc dst =
        adds ? tensors_.at(c.add).get_desc()
             : Desc({1, c.outputs, out_side, out_side}, float_result ? Type::f32 : type_of(c.dst), Tag::any);
    dnnl::post_ops post;
    if (adds) post.append_sum(step_of(c.add));
    if (c.act == "relu") post.append_eltwise(dnnl::algorithm::eltwise_relu, 0, 0);
    if (c.act == "relu6") post.append_eltwise(dnnl::algorithm::eltwise_clip, 0, 6);
    primitive_attr attr, weights_attr;
    attr.set_post_ops(post);
    const int by_output = grouped ? 3 : 1;
    if (integers()) {
      attr.set_scales_mask(DNNL_ARG_SRC, 0);
      attr.set_scales_mask(DNNL_ARG_WEIGHTS, by_output);
      if (!float_result) attr.set_scales_mask(DNNL_ARG_DST, 0);
      weights_attr.set_scales_mask(DNNL_ARG_DST, by_output);
    }
    const dnnl::convolution_forward::primitive_desc pd(
        engine_, dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, src,
        {dims, integers() ? Type::s8 : Type::f32, Tag::any}, {{c.outputs}, Type::f32, Tag::a}, dst,
        {c.stride, c.stride}, {pad, pad}, {pad, pad}, attr);

    const memory plain({dims, Type::f32, grouped ? Tag::goihw : Tag::oihw}, engine_, const_cast<float*>(weights));
    const memory packed(pd.weights_desc(), engine_);
    Arguments packing = {{DNNL_ARG_SRC, plain}, {DNNL_ARG_DST, packed}};
    if (integers()) packing[DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST] = vector_of(steps);
    dnnl::reorder(dnnl::reorder::primitive_desc(engine_, plain.get_desc(), engine_, packed.get_desc(), weights_attr))
        .execute(stream_, packing);
    stream_.wait();

    // The residual is added in place.
    const memory result = adds ? tensors_.at(c.add) : memory(pd.dst_desc(), engine_);
    Arguments arguments = {{DNNL_ARG_SRC, source(c.src, pd.src_desc())},
                           {DNNL_ARG_WEIGHTS, packed},
                           {DNNL_ARG_BIAS, vector_of(bias)},
                           {DNNL_ARG_DST, result}};
    if (integers()) {
      arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC] = vector_of({step_of(c.src)});
      arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = vector_of(steps);
      if (!float_result) arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST] = vector_of({step_of(c.dst)});
    }
    add(dnnl::convolution_forward(pd), arguments);
    tensors_[c.dst] = result;
    last_conv_ = c.dst;
  }

  // A pixel network corrects some of its inputs.
  void correct() {
    const std::size_t plane = static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_);
    const auto* x = static_cast<const float*>(x_.get_data_handle());
    auto* y = static_cast<float*>(result_.get_data_handle());
#pragma omp parallel for
    for (std::size_t m = 0; m < corrected_.size(); ++m) {
      const float* from = x + static_cast<std::size_t>(corrected_[m]) * plane;
      for (std::size_t i = 0; i < plane; ++i) y[m * plane + i] = from[i] - y[m * plane + i];
    }
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  int size_, bands_;
  std::vector<float> values_;
  long at_ = 0;  // of the next convolution's values
  memory x_, result_;
  std::map<std::string, Scale> scales_;
  std::map<std::string, Shape> shape_;
  std::map<std::string, memory> tensors_;
  std::map<std::string, std::string> up_;
  std::map<std::string, std::pair<std::string, std::string>> concat_;
  std::vector<int> corrected_;
  std::string last_conv_;
  std::vector<Step> steps_;
};

}  // namespace

int main(int argc, char** argv) {
  const peers::Options o(argc, argv);
  omp_set_num_threads(o.number("--threads"));
  Network network(o);
  const dnnl_version_t& v = *dnnl_version();
  const std::string version = std::to_string(v.major) + "." + std::to_string(v.minor) + "." + std::to_string(v.patch);
  peers::time_runs(version, o.number("--runs"), [&] { network.run(); });
  peers::write_floats(o.text("--output"), network.result());
}
