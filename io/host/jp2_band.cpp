// SPDX-License-Identifier: Apache-2.0
#include "io/host/jp2_band.h"

#include <algorithm>

#include "io/host/failure.h"
#include "io/host/file.h"
#include "io/host/jp2_failure.h"

namespace dtacs {
namespace {

Failure too_little_memory(const std::string& path, std::size_t bytes) {
  return Failure(Exit::memory_cap, path + ": decoding needs " + std::to_string(bytes) + " bytes, which are not there");
}

}  // namespace

bool GrowingBlock::reserve(std::size_t size) noexcept {
  if (size <= size_) return true;
  size_ = 0;
  // Fresh pages cost nothing until they are touched, so nothing is kept.
  block_.reset();
  size = (size + Arena::kAlign - 1) / Arena::kAlign * Arena::kAlign;
  block_.reset(static_cast<std::byte*>(std::aligned_alloc(Arena::kAlign, size)));
  if (block_ != nullptr) size_ = size;
  return block_ != nullptr;
}

struct Jp2Band::State {
  MappedFile file;
  Parallel parallel;
  GrowingBlock block;
  std::shared_ptr<GrowingBlock> workspace;
  jp2::Decoder decoder;
  jp2::FileRange last;  // of the row of tiles whose pages are out of memory

  State(const std::string& path, const Jp2Options& options)
      : file(path),
        parallel(options.parallel),
        workspace(options.workspace ? options.workspace : std::make_shared<GrowingBlock>()) {}
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
                          .workers = s.parallel.workers,
                          .borrow = true};
  const std::size_t limit = std::min(options.memory_limit, Arena::kMost - 1);
  for (;;) {
    Arena arena(s.block.bytes());
    const jp2::Outcome o = s.decoder.open(s.file.bytes(), core, arena);
    if (!o.ok() && o.status != Status::arena_too_small) throw_jp2(path, o);
    const std::size_t wanted = arena.wanted() + s.decoder.workspace_size();
    if (wanted > limit)
      throw Failure(Exit::memory_cap, path + ": decoding needs " + std::to_string(wanted) + " bytes, the limit is " +
                                          std::to_string(limit));
    if (!s.block.reserve(arena.wanted()) || !s.workspace->reserve(s.decoder.workspace_size()))
      throw too_little_memory(path, wanted);
    if (o.ok()) break;
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
  return state_->block.bytes().size();
}
std::size_t Jp2Band::memory_of_call() const {
  return state_->decoder.workspace_size();
}

void Jp2Band::read_rows(int rows, std::uint16_t* out, std::ptrdiff_t stride) {
  State& s = *state_;
  s.decoder.lend(s.workspace->bytes());
  if (const jp2::Outcome o = s.decoder.read_rows(rows, out, stride, s.parallel); !o.ok()) throw_jp2(s.file.path(), o);
  // Where a new row of tiles was decoded, its bytes are not needed any more.
  const jp2::FileRange done = s.decoder.last_read();
  if (done.begin == s.last.begin && done.end == s.last.end) return;
  s.last = done;
  s.file.release(done.begin, done.end);
}

}  // namespace dtacs
