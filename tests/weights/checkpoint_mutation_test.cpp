// SPDX-License-Identifier: Apache-2.0
// Seeded mutations of small checkpoints: each either reads or is refused with a
// Failure; nothing crashes, hangs, leaks or allocates without bound.  DTACS_SEED
// moves the start.
#include <doctest/doctest.h>

#include "io/host/failure.h"
#include "tests/support/check_family.h"
#include "tests/weights/checkpoint_bytes.h"
#include "tools/convert/network.h"
#include "tools/convert/pickle.h"

namespace dtacs {

using namespace test;

namespace {

std::vector<TestTensor> corrector() {
  const auto value = [](std::size_t i) { return static_cast<float>(i % 17) / 16.0f - 0.5f; };
  return {make_tensor("model.cnn_layers.0.weight", {6, 4, 1, 1}, value),
          make_tensor("model.cnn_layers.0.bias", {6}, value),
          make_tensor("model.cnn_layers.2.weight", {4, 6, 1, 1}, value),
          make_tensor("model.cnn_layers.2.bias", {4}, value)};
}

FileBytes onnx_corrector() {
  const auto t = corrector();
  FileBytes graph = onnx_node("Conv", {"x", t[0].name, t[1].name}, "h") + onnx_node("Relu", {"h"}, "r") +
                    onnx_node("Conv", {"r", t[2].name, t[3].name}, "y");
  for (const TestTensor& i : t) graph += onnx_initializer(i, i.dims.size() > 1);
  return make_onnx(graph);
}

FileBytes mutate(FileBytes s, Rng& rng) {
  const auto position = [&] { return static_cast<std::size_t>(rng.next() % s.size()); };
  for (int n = rng.between(1, 4); n > 0 && !s.empty(); --n) {
    static constexpr unsigned kBytes[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
    switch (rng.between(0, 6)) {
      case 0: s[position()] = static_cast<char>(rng.next()); break;
      case 1: s[position()] = static_cast<char>(kBytes[rng.between(0, 5)]); break;
      case 2: s[position()] = static_cast<char>(s[position()] ^ 1 << rng.between(0, 7)); break;
      case 3: s.resize(position()); break;
      case 4: {
        const std::size_t at = position();
        s.erase(at, static_cast<std::size_t>(rng.between(1, 8)));
        break;
      }
      case 5: {  // in an order of its own, so that a seed means the same with every compiler
        const std::size_t from = position(), to = position(), length = static_cast<std::size_t>(rng.between(1, 16));
        s.insert(to, s.substr(from, length));
        break;
      }
      default: {  // a 32-bit field of ones or so
        const std::size_t at = position();
        for (std::size_t i = at; i < at + 4 && i < s.size(); ++i)
          s[i] = static_cast<char>(i == at ? rng.next() : 0xffu);
      }
    }
  }
  return s;
}

// Counts what still reads as the network.
int survivors(const FileBytes& good, int rounds, bool check_crc) {
  const auto accepted = [&](const FileBytes& file) {
    try {
      const Checkpoint c = read_checkpoint(to_bytes(file), "probav", {.check_crc = check_crc});
      return recognise_network(c, "probav", {}).tensors.size() == 4;
    } catch (const Failure& f) {
      REQUIRE(std::string(f.what()).size() > 10);
      return false;
    }
  };
  REQUIRE(accepted(good));
  for (std::size_t n = 0; n < good.size(); ++n) static_cast<void>(accepted(good.substr(0, n)));
  Rng rng(seed());
  int count = 0;
  for (int i = 0; i < rounds; ++i) {
    breadcrumb.drop("mutation " + std::to_string(i) + " DTACS_SEED=" + std::to_string(seed()));
    count += accepted(mutate(good, rng));
  }
  return count;
}

}  // namespace

TEST_CASE("mutated PyTorch archives are read or refused") {
  CHECK(survivors(make_torch(corrector()), 6000, false) > 0);
  const int checked = survivors(make_torch(corrector()), 3000, true);
  CHECK(checked < 1500);  // the CRCs of the archive catch most
}

TEST_CASE("mutated safetensors files are read or refused") {
  CHECK(survivors(make_safetensors(corrector()), 8000, true) > 0);
}

TEST_CASE("mutated ONNX models are read or refused") {
  CHECK(survivors(onnx_corrector(), 8000, true) > 0);
}

TEST_CASE("mutated pickles and random opcodes are read or refused") {
  const FileBytes good = p_file(
      p_dict({{"state_dict", p_ordered({{"t", p_tensor(p_storage("FloatStorage", "0", 4), 0, {2, 2}, {2, 1})}})}}));
  Rng rng(seed());
  const FileBytes opcodes =
      "(.012FIJKLMNPQRSTUVX}abcdeghijl]opqrst)"
      "uGBC\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96";
  int read = 0, refused = 0;
  for (int i = 0; i < 20000; ++i) {
    FileBytes s = i % 2 == 0 ? mutate(good, rng) : FileBytes();
    if (i % 2 != 0)
      for (int n = rng.between(1, 60); n > 0; --n)
        s += rng.between(0, 3) == 0 ? static_cast<char>(rng.between(0, 9)) : opcodes[rng.next() % opcodes.size()];
    try {
      const auto bytes = to_bytes(s);
      const Pickle p = read_pickle(bytes);
      for (PickleId id = 0; id < p.values.size(); ++id) static_cast<void>(p.class_of(id));
      REQUIRE(p.root < p.values.size());
      ++read;
    } catch (const Failure&) {
      ++refused;
    }
  }
  CHECK(read > 0);
  CHECK(refused > 0);
}

}  // namespace dtacs
