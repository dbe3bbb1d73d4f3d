// SPDX-License-Identifier: Apache-2.0
#include "tools/baremetal/job.h"

#include "io/crc32c.h"
#include "kernels/head3x3/head3x3.h"
#include "net/dtacs.h"

namespace dtacs::board {

namespace {

// A line of text on its way out.
class Line {
 public:
  Line& text(const char* s) {
    while (*s != '\0' && used_ < sizeof line_ - 2) line_[used_++] = *s++;
    return *this;
  }
  Line& number(std::uint64_t n) {
    char digits[24];
    int count = 0;
    do {
      digits[count++] = static_cast<char>('0' + n % 10);
      n /= 10;
    } while (n > 0);
    char reversed[24] = {};
    for (int i = 0; i < count; ++i) reversed[i] = digits[count - 1 - i];
    return text(reversed);
  }
  Line& hex(std::uint32_t v) {
    char digits[9] = {};
    for (int i = 0; i < 8; ++i) digits[i] = "0123456789abcdef"[(v >> (28 - 4 * i)) & 15u];
    return text(digits);
  }
  void print(void (*to)(const char*)) {
    line_[used_] = '\n';
    line_[used_ + 1] = '\0';
    to(line_);
  }

 private:
  char line_[96];
  std::size_t used_ = 0;
};

// One network at work.
struct Worker {
  dtacs_plan* plan = nullptr;
  std::uint32_t crc = 0;
  std::uint64_t class_pixels[kHead3x3MaxOutputs] = {};

  dtacs_status push(const void* const* bands) { return plan == nullptr ? DTACS_OK : dtacs_push(plan, bands); }
  dtacs_status pull(int width) {
    if (plan == nullptr) return DTACS_NEEDS_ROWS;
    dtacs_row row;
    const dtacs_status status = dtacs_pull(plan, &row);
    if (status != DTACS_OK) return status;
    const auto pixels = static_cast<std::size_t>(width);
    if (row.classes != nullptr) {
      crc = crc32c(std::as_bytes(std::span(row.classes, pixels)), crc);
      for (std::size_t x = 0; x < pixels; ++x) ++class_pixels[row.classes[x]];
    }
    for (int m = 0; m < DTACS_MAX_BANDS && row.reflectance[m] != nullptr; ++m)
      crc = crc32c(std::as_bytes(std::span(row.reflectance[m], pixels)), crc);
    return DTACS_OK;
  }
};

int fail(void (*print)(const char*), const char* what, dtacs_status status) {
  Line().text(what).text(": ").text(dtacs_describe(status)).print(print);
  return status;
}

}  // namespace

void print_bytes(void (*print)(const char*), const char* label, std::size_t n) {
  Line().text(label).text(" ").number(n).text(" bytes").print(print);
}

void print_hex(void (*print)(const char*), const char* label, std::uint64_t n) {
  Line().text(label).text(" ").hex(static_cast<std::uint32_t>(n >> 32)).hex(static_cast<std::uint32_t>(n)).print(print);
}

int run(Bytes scene, const Task& correction, const Task& classification, void (*print)(const char*)) {
  const auto& header = *reinterpret_cast<const SceneHeader*>(scene.data());
  dtacs_options options = {};
  options.width = header.width;
  options.height = header.height;
  options.band = 1;
  options.quantification = header.quantification;
  for (int i = 0; i < DTACS_MAX_BANDS; ++i) options.offset[i] = header.offset[i];
  options.isa = "scalar";  // the checksum is then the same on every machine

  Worker corrector, classifier;
  const auto open = [&](const Task& task, Worker& worker) {
    if (task.weights.empty()) return DTACS_OK;
    return dtacs_open(task.weights.data(), task.weights.size(), &options, task.arena.data(), task.arena.size(),
                      &worker.plan);
  };
  if (const dtacs_status s = open(correction, corrector); s != DTACS_OK) return fail(print, "correction", s);
  if (const dtacs_status s = open(classification, classifier); s != DTACS_OK) return fail(print, "classification", s);

  const auto width = static_cast<std::size_t>(header.width);
  const auto* row = reinterpret_cast<const std::uint16_t*>(scene.data() + sizeof header);
  for (int y = 0; y < header.height; ++y) {
    const void* bands[DTACS_MAX_BANDS] = {};
    for (int b = 0; b < header.bands; ++b, row += width) bands[b] = row;
    for (Worker* w : {&corrector, &classifier}) {
      if (const dtacs_status s = w->push(bands); s != DTACS_OK) return fail(print, "push", s);
      while (w->pull(header.width) == DTACS_OK) {
      }
    }
  }

  if (corrector.plan != nullptr) Line().text("reflectance crc32c ").hex(corrector.crc).print(print);
  if (classifier.plan != nullptr) {
    const std::uint64_t pixels = width * static_cast<std::uint64_t>(header.height);
    for (int c = 0; c < 4; ++c) {
      const std::uint64_t tenths = (classifier.class_pixels[c] * 2000 / pixels + 1) / 2;
      Line()
          .text("class ")
          .number(static_cast<std::uint64_t>(c))
          .text(" ")
          .number(tenths / 10)
          .text(".")
          .number(tenths % 10)
          .text(" %")
          .print(print);
    }
    Line().text("mask crc32c ").hex(classifier.crc).print(print);
  }
  return 0;
}

}  // namespace dtacs::board
