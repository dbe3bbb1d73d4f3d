// SPDX-License-Identifier: Apache-2.0
#include "io/host/jp2_band.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <new>

#include "io/host/failure.h"
#include "io/host/file.h"
#include "io/host/jp2_failure.h"

namespace dtacs {
namespace {

// The pages wholly inside leave memory; touched again they are zero.
void give_back_pages(std::span<std::byte> memory) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  const std::uintptr_t begin = (address + page - 1) / page * page, end = (address + memory.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

struct Freed {
  void operator()(std::byte* p) const noexcept { std::free(p); }
};

}  // namespace

struct Jp2Band::State {
  MappedFile file;
  Parallel parallel;
  std::unique_ptr<std::byte, Freed> block;
  std::size_t block_size = 0;
  jp2::Decoder decoder;
  jp2::FileRange last;  // of the row of tiles whose pages are out of memory

  State(const std::string& path, const Jp2Options& options) : file(path), parallel(options.parallel) {}
};

Jp2Band::Jp2Band(const std::string& path, const Jp2Options& options) : state_(std::make_unique<State>(path, options)) {
  State& s = *state_;
  const jp2::Options core{.component = options.component,
                          .reduce = options.reduce,
                          .x = options.window.x,
                          .y = options.window.y,
                          .width = options.window.width,
                          .height = options.window.height,
                          .strict = options.strict,
                          .isa = options.isa,
                          .workers = s.parallel.workers};
  for (;;) {
    Arena arena({s.block.get(), s.block_size});
    const jp2::Outcome o = s.decoder.open(s.file.bytes(), core, arena);
    if (o.ok()) {
      // Looking at every tile-part's header has mapped its surroundings as well.
      s.file.release(0, s.file.bytes().size());
      break;
    }
    if (o.status != Status::arena_too_small) throw_jp2(path, o);
    const std::size_t wanted = arena.wanted();
    if (wanted > options.memory_limit)
      throw Failure(Exit::memory_cap, path + ": decoding needs " + std::to_string(wanted) + " bytes, the limit is " +
                                          std::to_string(options.memory_limit));
    // Fresh pages cost nothing until they are touched, so nothing is kept.
    s.block.reset();
    s.block.reset(static_cast<std::byte*>(std::aligned_alloc(Arena::kAlign, wanted)));
    s.block_size = wanted;
    if (s.block == nullptr)
      throw Failure(Exit::memory_cap,
                    path + ": decoding needs " + std::to_string(wanted) + " bytes, which are not there");
  }
  s.file.release(0, s.file.bytes().size());  // looking for the tile-parts touched pages all over the file
}

Jp2Band::~Jp2Band() = default;

int Jp2Band::width() const {
  return state_->decoder.width();
}
int Jp2Band::height() const {
  return state_->decoder.height();
}
int Jp2Band::bits() const {
  return state_->decoder.bits();
}
bool Jp2Band::is_signed() const {
  return state_->decoder.is_signed();
}
std::size_t Jp2Band::memory() const {
  return state_->block_size - memory_of_call();
}
std::size_t Jp2Band::memory_of_call() const {
  return state_->decoder.workspace().size();
}

void Jp2Band::read_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride) {
  State& s = *state_;
  if (const jp2::Outcome o = s.decoder.read_rows(rows, out, stride, s.parallel); !o.ok()) throw_jp2(s.file.path(), o);
  // Where a new row of tiles was decoded, neither its bytes nor what it was decoded in are needed
  // any more.  A scene reads 13 bands in turn: together these workspaces are as much as all its rows.
  const jp2::FileRange done = s.decoder.last_read();
  if (done.begin == s.last.begin && done.end == s.last.end) return;
  s.last = done;
  s.file.release(done.begin, done.end);
  give_back_pages(s.decoder.workspace());
}

}  // namespace dtacs
