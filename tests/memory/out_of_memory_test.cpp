// SPDX-License-Identifier: Apache-2.0
// Memory that runs out: at every allocation of the programs (copies of them whose operator
// new fails at a given call), and an arena that is too small for the decoder by any amount.
#include <doctest/doctest.h>

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/host/temp_folder.h"
#include "tests/jp2/jp2_support.h"
#include "tests/weights/checkpoint_bytes.h"

namespace dtacs::test {
namespace {

namespace fs = std::filesystem;

const std::string kDemo =
    "'" DTACS_SOURCE_DIR "/tests/data/demo/S2A_MSIL1C_20260621T105031_N0511_R051_T31TDH_20260621T130000.SAFE'";
const std::string kJp2 = DTACS_SOURCE_DIR "/tests/data/jp2/";

struct Ended {
  int exit = 0;
  std::string text;
};

Ended run(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1 >/dev/null").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ended e;
  char block[4096];
  while (const std::size_t n = fread(block, 1, sizeof block, pipe)) e.text.append(block, n);
  const int status = pclose(pipe);
  e.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return e;
}

// Fails the n-th allocation of the command, and in other runs it and all that follow, for
// n = 1, 2, ... - further apart after `dense` - until the command no longer makes as many.
// {out} in it is a folder, in which nothing may be left by a run that did not succeed.
void fail_everywhere(const std::string& program, const std::string& arguments, const std::string& name, int dense) {
  const TempFolder scratch;
  int failed = 0, n = 1;
  for (;; n += n < dense ? 1 : n / 3) {
    bool reached = false;
    for (const char* on : {"", "DTACS_FAIL_ON=1 "}) {
      const std::string out = scratch / "out";
      fs::create_directory(out);
      std::string command = "'" + program + "' " + arguments;
      for (std::size_t at; (at = command.find("{out}")) != std::string::npos;) command.replace(at, 5, out);
      const Ended e = run(on + ("DTACS_FAIL_AT=" + std::to_string(n)) + " " + command);
      INFO(on << "DTACS_FAIL_AT=" << n << " " << command << "\n" << e.text);
      // Some failures are got over: a sort without its buffer, a copy for a message.
      CHECK((e.exit == 0 || e.exit == static_cast<int>(Exit::memory_cap)));
      if (e.exit != 0) {
        reached = true;
        ++failed;
        CHECK(e.text == name + ": not enough memory\n");
        // What was complete before stays; nothing is there in parts.
        for (const auto& file : fs::directory_iterator(out)) CHECK(file.path().extension() != ".tmp");
      }
      fs::remove_all(out);
    }
    if (!reached && n > dense) break;
  }
  CHECK(failed > dense);
}

}  // namespace

TEST_CASE("out of memory: info, at many allocations") {
  fail_everywhere(DTACS_SHORT_OF_MEMORY, "info " + kDemo, "dtacs", 60);
}

TEST_CASE("out of memory: decode, at many allocations") {
  fail_everywhere(DTACS_SHORT_OF_MEMORY, "decode '" + kJp2 + "s2_20m.jp2' -o {out}/o.tif --threads 2", "dtacs", 40);
  fail_everywhere(DTACS_SHORT_OF_MEMORY, "decode '" + kJp2 + "layers.j2k' -o {out}/o.pgx --threads 1", "dtacs", 12);
}

TEST_CASE("out of memory: run, at many allocations") {
  fail_everywhere(DTACS_SHORT_OF_MEMORY,
                  "run " + kDemo + " -o {out} --res 20 --window 0,0,32,32 --threads 2 --quiet --stack", "dtacs", 60);
}

TEST_CASE("out of memory: convert, at many allocations") {
  const TempFolder scratch;
  const auto value = [](std::size_t i) { return static_cast<float>(i % 17) / 16.0f - 0.5f; };
  put_file(scratch / "probav.pt", make_torch({make_tensor("model.cnn_layers.0.weight", {6, 4, 1, 1}, value),
                                              make_tensor("model.cnn_layers.0.bias", {6}, value),
                                              make_tensor("model.cnn_layers.2.weight", {4, 6, 1, 1}, value),
                                              make_tensor("model.cnn_layers.2.bias", {4}, value)}));
  fail_everywhere(DTACS_CONVERT_SHORT_OF_MEMORY, scratch / "probav.pt" + " -o {out}/o.dtw", "dtacs-convert", 60);
}

TEST_CASE("out of memory: an arena too small for the decoder says what would do") {
  for (const char* name : {"s2_20m.jp2", "tile_headers.j2k", "ppm.j2k", "ppt.j2k", "ict.j2k"}) {
    INFO(name);
    const Bytes file = read_file(kJp2 + name);
    const jp2::Options options{.workers = 2};
    jp2::Decoder decoder;
    Memory memory;
    REQUIRE(memory.open(decoder, file, options).ok());
    const std::size_t enough = memory.size;
    const auto open_with = [&](std::size_t size) {
      // A block of exactly this size, so that a sanitizer sees a byte beyond it.
      const std::unique_ptr<std::byte, Memory::Free> block(
          static_cast<std::byte*>(std::aligned_alloc(Arena::kAlign, size)));
      Arena arena({block.get(), size});
      jp2::Decoder d;
      const jp2::Outcome o = d.open(file, options, arena);
      if (!o.ok()) {
        CHECK(o.status == Status::arena_too_small);
        CHECK(arena.wanted() > size);
        CHECK(arena.wanted() <= enough);
        std::uint16_t pixel[1];
        CHECK(d.read_rows(1, pixel, 1, Parallel::serial()).status == Status::arena_too_small);
      }
      return o.ok();
    };
    // Allocations end at multiples of kAlign: each size below is one point where they stop.
    for (std::size_t size = 0; size < enough; size += size < 4096 ? Arena::kAlign : (enough / 97 + 63) / 64 * 64)
      CHECK(!open_with(size));
    CHECK(!open_with(enough - Arena::kAlign));
    CHECK(open_with(enough));
    {
      Arena arena({memory.block.get(), enough - 1});
      CHECK(decoder.open(file, options, arena).status == Status::arena_too_small);
    }
  }
}

}  // namespace dtacs::test
