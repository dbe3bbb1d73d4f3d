// SPDX-License-Identifier: Apache-2.0
// What a run refuses or warns of: bad input, metadata that lack or contradict something, a full disk.
#include <doctest/doctest.h>

#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "tests/host/product_maker.h"
#include "tests/run/small_run.h"
#include "tests/support/tools.h"

namespace dtacs::test {

namespace {

// A small correction of a product, into the same folder.
RunOptions corrected(const TempFolder& folder, const std::string& product) {
  put_bytes(folder / "ac.dtw", small_corrector());
  RunOptions o = quiet_run(product, folder / "out");
  o.weights = {folder / "ac.dtw"};
  o.mask = false;
  return o;
}

}  // namespace

TEST_CASE("run: bad input has its exit code and leaves nothing behind") {
  RawScene scene(40, 40);
  const Bench bench(scene);
  const auto with = [&](auto change) {
    RunOptions o = bench.options;
    o.folder = bench.folder / "bad";
    std::filesystem::remove_all(o.folder);
    change(o);
    return failure_of(o);
  };
  CHECK(with([&](RunOptions& o) { o.product = bench.folder / "nowhere"; }) == Exit::missing_input);
  CHECK(with([&](RunOptions& o) { o.weights = {bench.folder / "nowhere.dtw"}; }) == Exit::missing_input);
  CHECK(with([&](RunOptions& o) { o.weights = {bench.folder / "scene.raw"}; }) == Exit::bad_weights);
  CHECK(with([&](RunOptions& o) { o.weights = {o.weights[0], o.weights[0]}; }) == Exit::usage);
  CHECK(with([&](RunOptions& o) { o.window = Rect{30, 0, 11, 5}; }) == Exit::usage);
  CHECK(with([&](RunOptions& o) { o.folder = bench.folder / "scene.raw/out"; }) == Exit::cannot_create);
  CHECK(with([&](RunOptions& o) { o.truth = bench.folder.path(); }) == Exit::missing_input);

  // Four bands for weights that want thirteen.
  CHECK(with([&](RunOptions& o) {
          put_file(bench.folder / "four.raw", std::string(40 * 40 * 2 * 4, 'x'));
          o.product = bench.folder / "four.raw";
          o.hints.raw_header = "width=40,height=40,bands=B02+B03+B04+B08,res=10";
        }) == Exit::model_mismatch);
  // A damaged weights file.
  CHECK(with([&](RunOptions& o) {
          std::string bytes = get_file(bench.folder / "ac.dtw");
          bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
          put_file(bench.folder / "damaged.dtw", bytes);
          o.weights = {bench.folder / "damaged.dtw"};
        }) == Exit::bad_weights);
}

TEST_CASE("run: a product short of a band, or with a cut or damaged band, is refused") {
  const TempFolder folder;
  const std::string safe = folder / "demo.SAFE";
  std::filesystem::copy(kDemo, safe, std::filesystem::copy_options::recursive);
  std::string b05;
  for (const auto& e : std::filesystem::recursive_directory_iterator(safe))
    if (e.path().string().ends_with("_B05.jp2")) b05 = e.path().string();
  REQUIRE(!b05.empty());
  const std::string whole = get_file(b05);
  const RunOptions o = corrected(folder, safe);

  put_file(b05, whole.substr(0, whole.size() / 2));
  CHECK(failure_of(o) == Exit::bad_data);
  put_file(b05, "not a picture");
  CHECK(failure_of(o) == Exit::unsupported);
  std::filesystem::remove(b05);
  CHECK(failure_of(o) == Exit::missing_input);
  put_file(b05, whole);
  CHECK(failure_of(o) == Exit::ok);
}

TEST_CASE("run: offsets taken out of the metadata were once reported as theirs, and 0") {
  const TempFolder folder;
  const std::string safe = folder / "demo.SAFE", mtd = safe + "/MTD_MSIL1C.xml";
  std::filesystem::copy(kDemo, safe, std::filesystem::copy_options::recursive);
  const std::string whole = get_file(mtd), end = "</Radiometric_Offset_List>";
  RunOptions o = corrected(folder, safe);
  o.window = Rect{0, 0, 60, 60};
  const auto run_says = [&](const std::string& source, bool warns) {
    CHECK((run(o).find("nothing here says RADIO_ADD_OFFSET") != std::string::npos) == warns);
    CHECK(get_file(o.folder + "/report.json").find("\"offset_source\": \"" + source + '"') != std::string::npos);
  };
  run_says("metadata", false);
  const std::size_t begin = whole.find("<Radiometric_Offset_List>");
  put_file(mtd, std::string(whole).erase(begin, whole.find(end) + end.size() - begin));
  run_says("assumed", true);
  o.offset = -1000;
  run_says("option", false);
}

TEST_CASE("run: tile metadata of another scene are named, by info too") {
  const TempFolder folder;
  const std::string bands = folder / "bands", other = bands + "/other.xml";
  put_file(other, ProductMaker{}.tile_xml());
  for (const auto& e : std::filesystem::recursive_directory_iterator(kDemo))
    if (e.path().extension() == ".jp2")
      std::filesystem::create_symlink(e.path(), bands + "/" + e.path().filename().string());
  RunOptions o = corrected(folder, bands);
  o.window = Rect{0, 0, 60, 60};
  CHECK(run(o).starts_with("not used, as of another scene: " + other + "; "));
  o.offset = -1000;
  CHECK(run(o).starts_with("not used, as of another scene: " + other));
  CHECK(output_of("'" DTACS_BINARY "' info '" + bands + "'").find("as of another scene: " + other) !=
        std::string::npos);
}

TEST_CASE("run: a full disk is an I/O error without half a file") {
  RawScene scene(300, 300);
  Bench bench(scene);
  bench.options.mask = false;
  bench.options.weights = {bench.folder / "ac.dtw"};
  rlimit before;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {1 << 20, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const Exit exit = failure_of(bench.options);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(exit == Exit::io_error);
}

}  // namespace dtacs::test
