// SPDX-License-Identifier: Apache-2.0
// Running a plan to the end and keeping everything it made.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "io/host/openmp.h"
#include "net/stream_plan.h"
#include "tests/net/whole_image.h"
#include "tests/support/aligned.h"

namespace dtacs::test {

struct Streamed {
  std::vector<std::vector<float>> tensors;  // (height, width, channels) each, inner ones empty
  std::vector<std::uint8_t> classes;
};

inline Streamed run_streaming(const Net& net, const WeightsFile& weights, const Image& input, int band, int threads,
                              IsaSet isa, int deep = 0) {
  const StreamOptions options = {
      .width = input.width, .height = input.height, .band = band, .deep = deep, .isa = isa, .workers = threads};
  auto plan = std::make_unique<StreamPlan>();
  Arena dry;
  WeightsMismatch wrong;
  REQUIRE(StreamPlan::bind(net, weights, options, dry, *plan, &wrong) == Status::arena_too_small);
  AlignedBytes block(dry.wanted());
  std::memset(block.data(), 0xff, block.size());  // NaNs: a row read before it was written shows
  Arena arena(block.bytes());
  REQUIRE(StreamPlan::bind(net, weights, options, arena, *plan, &wrong) == Status::ok);

  Streamed result;
  result.tensors.resize(static_cast<std::size_t>(net.tensor_count));
  with_threads(threads, [&](const Parallel& parallel) {
    plan->start();
    while (!plan->finished()) {
      const RowRange wanted = plan->wanted();
      for (int y = wanted.begin; y < wanted.end; ++y)
        std::memcpy(plan->input_row(y), input.at(y, 0),
                    static_cast<std::size_t>(input.width) * static_cast<std::size_t>(input.channels) * sizeof(float));
      plan->step(parallel);
      for (int t = 0; t < net.tensor_count; ++t) {
        auto& values = result.tensors[static_cast<std::size_t>(t)];
        const std::ptrdiff_t n =
            static_cast<std::ptrdiff_t>(input.width >> net.tensors[t].shift) * net.tensors[t].channels;
        for (int y = plan->made(t).begin; y < plan->made(t).end; ++y)
          values.insert(values.end(), plan->row(t, y), plan->row(t, y) + n);
      }
      for (int y = plan->made(plan->result()).begin; y < plan->made(plan->result()).end; ++y)
        result.classes.insert(result.classes.end(), plan->classes_row(y), plan->classes_row(y) + input.width);
    }
  });
  return result;
}

}  // namespace dtacs::test
