// SPDX-License-Identifier: Apache-2.0
// Blocks in the 64-bit lanes of vectors, in step: all lanes work on the same eight columns
// of a stripe until none has a sample left to decode there.  Included by one file for each
// instruction set, after it has defined
//
//   V, Mask, kWidth    words of 64 bits and which of them; how many a vector has
//   kVectors           decoded in turns, so that the waits of one are filled by the others
//   kSpare             bits free above A, C and Qe of the arithmetic decoder
//   place(k)           the word with bit k set, counted from the end that first() counts from
//   first(x)           the number of the first bit that is set
//   sooner<k>(x), later<k>(x), sooner(x, n), later(x, n)    bit i becomes i - k, i + k
//   Tables             what a pass keeps in registers
//   and small operations on V and Mask;
//
// the functions declared below follow the inclusion.
//
// A stripe is four rows.  A word holds eight of its columns, sample after sample in the
// order of the passes; each column has six bits, the four rows between the last of the
// stripe above and the first of the one below:
//   stored   column c (0 .. 7), row r (0 .. 5)   bit 6 c + r
//   padded   column c (0 .. 9), row r (0 .. 5)   bit 6 c + r, with the columns left and
//            right, so that the samples are columns 1 .. 8 and rows 1 .. 4
// The 3x3 around the sample at bit b of a padded word are the bits 0, 1, 2, 6, 7, 8, 12,
// 13, 14 of sooner(word, b - 7): its view.  What lies behind them is not looked at.

constexpr int kLanes = kVectors * kWidth;
constexpr int kWords = PlainBlock::kMaxSide / 8, kStripes = PlainBlock::kMaxSide / 4;

constexpr u64 row(int r, int columns) {
  u64 v = 0;
  for (int c = 1; c <= columns; ++c) v |= place(6 * c + r);
  return v;
}
constexpr u64 samples(int rows, int columns) {
  u64 v = 0;
  for (int r = 1; r <= rows; ++r) v |= row(r, columns);
  return v;
}
constexpr u64 kFirstRow = row(1, 8), kLastRow = row(4, 8), kSamples = samples(4, 8);

// In a view.
constexpr u64 kLeftRight = place(1) | place(13), kAboveBelow = place(6) | place(8);
constexpr u64 kCross = kLeftRight | kAboveBelow;
constexpr u64 kDiagonal = place(0) | place(2) | place(12) | place(14);

// By word or stripe, and lane.
struct alignas(64) Group {
  static constexpr int kAcross = kWords + 2;
  u64 significant[(kStripes + 2) * kAcross][kLanes],
      negative[(kStripes + 2) * kAcross][kLanes];                              // stored, with margins
  u64 visited[kStripes * kWords][kLanes], refined[kStripes * kWords][kLanes];  // padded
  u64 plane[PlainBlock::kMaxPlanes][kStripes * kWords][kLanes];
  u64 columns[kWords][kLanes], rows[kStripes][kLanes];  // that exist
  u64 full[kStripes][kLanes];                           // the first row, where all four exist
  u64 a[kLanes], c[kLanes], ahead[kLanes];
  u64 zero_contexts[kLanes], contexts[kLanes];
  const std::uint8_t *at[kLanes], *end[kLanes];
  u64 missing[kLanes];
  u64 first_pass[kLanes], passes[kLanes];
  u64 orientation[3][kLanes];  // for zero_context()
  const std::uint8_t* readable_end;
  int stripes, words, across;
};
static_assert(sizeof(Group) <= kBlockGroupWork && kLanes <= kBlockGroupMost);

// The arithmetic decoder, as MqDecoder (mq.h): A, C and Qe stand below kSpare bits at the
// top, `ahead` bits of C below its sixteen are there.  A decision needs none and takes up
// to fifteen.
struct Decoder {
  V a, c, ahead;
};

// ---- defined after the inclusion ----------------------------------------------------

// The decisions of the lanes `on`, false elsewhere.  Their states are the low seven bits
// of `state`; `change`: by what that field of a word of contexts changes, moved by `shift`.
Mask decide(Decoder& q, V state, V shift, Mask on, const Tables& tables, V& change);
// The shift of the field for a view.
V zero_context(const Group& g, int lane, V view, const Tables& tables);
// The same for the sign, with kFlip, from views of significant and of negative samples.
V sign_context(V significant, V negative, const Tables& tables);
void set_orientation(Group& g, int lane, int orientation);
// The word's 4 x 8 samples of the lane, at most `rows` and `columns`: planes from `last` up,
// then half of the lowest plane of each, which for those in `older` is last + 1.
void write_word(const Group& g, int lane, int word, u64 significant, u64 negative, u64 older, int last, int planes,
                bool whole, int rows, int columns, std::int32_t* out, std::ptrdiff_t stride);

// ---- bytes ------------------------------------------------------------------------

// One byte at a time, for a lane that comes near a byte 0xff or the end of the memory.
[[gnu::noinline]] void refill_slowly(Group& g, int lane, unsigned previous) {
  u64 c = g.c[lane];
  int ahead = static_cast<int>(g.ahead[lane]);
  const std::uint8_t *p = g.at[lane], *const end = g.end[lane];
  while (ahead < 40) {
    const int at = 40 - kSpare - ahead;
    if (p == end || (previous == 0xff && *p > 0x8f)) {  // a marker ends the data as well
      c += u64{0xff} << at;
      ahead += 8;
      ++g.missing[lane];
    } else {
      const int stuffed = previous == 0xff ? 1 : 0;
      previous = *p++;
      c += static_cast<u64>(previous) << (at + stuffed);
      ahead += 8 - stuffed;
    }
  }
  g.c[lane] = c & ~u64{0} >> kSpare;
  g.ahead[lane] = static_cast<u64>(static_cast<long long>(ahead));
  g.at[lane] = p;
}

// Up to seven bytes for each lane of a vector.  begin: nothing was read before.
[[gnu::noinline]] void refill(Group& g, int lane, bool begin) {
  const V at = load(g.at + lane), ahead = load(g.ahead + lane), ones = set1(~u64{0});
  const Mask readable = at_most(add(at, set1(7)), set1(reinterpret_cast<u64>(g.readable_end)));
  // The byte before and seven more, the first of them highest.
  V x = reverse_bytes(gather(readable, sub(at, set1(1))));
  if (begin) x = both(x, set1(~u64{0} >> 8));
  const V bytes = shr<3>(sub(set1(47), ahead)), real = least(bytes, sub(load(g.end + lane), at));
  // Is 0xff the byte before, or among those that are taken?
  const V seen = shr(x, shl<3>(sub(set1(7), real)));
  const Mask fast = both_masks(readable, no_byte_is_ff(seen));
  // Ones follow behind the end.
  const V taken = shr(either(shl<8>(x), shr(ones, shl<3>(real))), shl<3>(sub(set1(8), bytes)));
  const V bits = shl<3>(bytes), place_of = sub(sub(set1(48 - kSpare), ahead), bits);
  const V c = load(g.c + lane), missing = load(g.missing + lane);
  store(g.c + lane, both(add(c, where(fast, shl(taken, place_of))), set1(~u64{0} >> kSpare)));
  store(g.ahead + lane, add(ahead, where(fast, bits)));
  store(g.at + lane, add(at, where(fast, real)));
  store(g.missing + lane, add(missing, where(fast, sub(bytes, real))));
  for (unsigned slow = bits_of(fast) ^ ((1u << kWidth) - 1); slow != 0; slow &= slow - 1) {
    const int l = lane + __builtin_ctz(slow);
    refill_slowly(g, l, begin || g.at[l] == g.end[l] ? 0 : g.at[l][-1]);
  }
}

// ---- passes -----------------------------------------------------------------------

struct Pass {
  Decoder q[kVectors];
  V zero_contexts[kVectors], contexts[kVectors];

  explicit Pass(const Group& g) {
    for (int v = 0; v < kVectors; ++v) {
      const int lane = v * kWidth;
      q[v] = {load(g.a + lane), load(g.c + lane), load(g.ahead + lane)};
      zero_contexts[v] = load(g.zero_contexts + lane);
      contexts[v] = load(g.contexts + lane);
    }
  }
  void save(Group& g) const {
    for (int v = 0; v < kVectors; ++v) {
      const int lane = v * kWidth;
      store(g.a + lane, q[v].a);
      store(g.c + lane, q[v].c);
      store(g.ahead + lane, q[v].ahead);
      store(g.zero_contexts + lane, zero_contexts[v]);
      store(g.contexts + lane, contexts[v]);
    }
  }
  // So many bits ahead in every lane.
  [[gnu::always_inline]] void need(Group& g, int bits) {
    for (int v = 0; v < kVectors; ++v)
      if (any(less(q[v].ahead, set1(static_cast<u64>(bits))))) [[unlikely]] {
        const int lane = v * kWidth;
        store(g.c + lane, q[v].c);
        store(g.ahead + lane, q[v].ahead);
        refill(g, lane, false);
        q[v].c = load(g.c + lane);
        q[v].ahead = load(g.ahead + lane);
      }
  }
  // The signs of the lanes `on`.
  [[gnu::always_inline]] Mask sign(int v, V significant, V negative, Mask on, const Tables& tables) {
    const V coding = sign_context(significant, negative, tables), shift = both(coding, set1(kFlip - 1));
    V change;
    const Mask d = decide(q[v], shr(contexts[v], shift), shift, on, tables, change);
    contexts[v] = differ(contexts[v], change);
    return both_masks(on, differ_masks(d, hits(coding, set1(kFlip))));
  }
};

[[gnu::always_inline]] inline V padded(const u64 (*words)[kLanes], int lane) {
  return either3(later<6>(load(words[0] + lane)), sooner<42>(load(words[-1] + lane)), later<54>(load(words[1] + lane)));
}
[[gnu::always_inline]] inline void merge(u64* to, V bits) {
  store(to, either(load(to), bits));
}
// New bits of a padded word into the stored ones, and into the margins above and below.
[[gnu::always_inline]] inline void spread(u64 (*words)[kLanes], int across, int lane, V bits) {
  merge(words[0] + lane, sooner<6>(bits));
  merge(words[-across] + lane, sooner<2>(both(bits, set1(kFirstRow))));
  merge(words[across] + lane, sooner<10>(both(bits, set1(kLastRow))));
}
[[gnu::always_inline]] inline V existing(const Group& g, int stripe, int word, int lane) {
  return both(load(g.columns[word] + lane), load(g.rows[stripe] + lane));
}
// Set bits and those above and below them.
[[gnu::always_inline]] inline V grown(V x) {
  return either3(x, sooner<1>(x), later<1>(x));
}

[[gnu::noinline]] void significance_pass(Group& g, const Mask* on, u64 (*plane)[kLanes]) {
  Pass s(g);
  const Tables tables;
  for (int stripe = 0; stripe < g.stripes; ++stripe)
    for (int word = 0; word < g.words; ++word) {
      const int here = (stripe + 1) * g.across + word + 1, i = stripe * g.words + word;
      V old[kVectors], significant[kVectors], todo[kVectors], open[kVectors], visited[kVectors];
      V todo_of_all = set1(0);
      for (int v = 0; v < kVectors; ++v) {
        const int lane = v * kWidth;
        old[v] = significant[v] = padded(g.significant + here, lane);
        const V columns = grown(old[v]);
        open[v] = where(on[v], but_not(existing(g, stripe, word, lane), old[v]));
        todo[v] = visited[v] = both(either3(columns, sooner<6>(columns), later<6>(columns)), open[v]);
        todo_of_all = either(todo_of_all, todo[v]);
      }
      if (!any_bit(todo_of_all)) {
        for (int v = 0; v < kVectors; ++v) store_where(on[v], g.visited[i] + v * kWidth, set1(0));
        continue;
      }
      V old_negative[kVectors], negative[kVectors];
      for (int v = 0; v < kVectors; ++v) old_negative[v] = negative[v] = padded(g.negative + here, v * kWidth);
      do {
        s.need(g, 15);
        todo_of_all = set1(0);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          const V b = first(todo[v]), bit = first_bit(todo[v], b), front = sub(b, set1(7));
          const V view = sooner(significant[v], front);
          const V shift = zero_context(g, v * kWidth, view, tables);
          V change;
          const Mask d = decide(s.q[v], shr(s.zero_contexts[v], shift), shift, set_bits(todo[v]), tables, change);
          s.zero_contexts[v] = differ(s.zero_contexts[v], change);
          const Mask minus = s.sign(v, view, sooner(negative[v], front), d, tables);
          significant[v] = either(significant[v], where(d, bit));
          negative[v] = either(negative[v], where(minus, bit));
          // What comes later and has a significant neighbour now: below it, and in the next column.
          const V beside = later(set1(place(1) | place(5) | place(6) | place(7)), b);
          const V fresh = where(d, but_not(both(beside, open[v]), visited[v]));
          visited[v] = either(visited[v], fresh);
          todo[v] = either(but_not(todo[v], bit), fresh);
          todo_of_all = either(todo_of_all, todo[v]);
        }
      } while (any_bit(todo_of_all));
      for (int v = 0; v < kVectors; ++v) {
        const int lane = v * kWidth;
        store_where(on[v], g.visited[i] + lane, visited[v]);
        const V fresh = differ(significant[v], old[v]);
        spread(g.significant + here, g.across, lane, fresh);
        spread(g.negative + here, g.across, lane, differ(negative[v], old_negative[v]));
        store(plane[i] + lane, fresh);
      }
    }
  s.save(g);
}

[[gnu::noinline]] void refinement_pass(Group& g, const Mask* on, u64 (*plane)[kLanes]) {
  Pass s(g);
  const Tables tables;
  for (int stripe = 0; stripe < g.stripes; ++stripe)
    for (int word = 0; word < g.words; ++word) {
      const int here = (stripe + 1) * g.across + word + 1, i = stripe * g.words + word;
      V beside[kVectors], again[kVectors], todo[kVectors], ones[kVectors];
      V todo_of_all = set1(0);
      for (int v = 0; v < kVectors; ++v) {
        const int lane = v * kWidth;
        const V significant = padded(g.significant + here, lane), columns = grown(significant);
        beside[v] =
            either3(either(sooner<1>(significant), later<1>(significant)), sooner<6>(columns), later<6>(columns));
        todo[v] = where(on[v], but_not(both(significant, set1(kSamples)), load(g.visited[i] + lane)));
        again[v] = load(g.refined[i] + lane);
        store(g.refined[i] + lane, either(again[v], todo[v]));
        ones[v] = set1(0);
        todo_of_all = either(todo_of_all, todo[v]);
      }
      if (!any_bit(todo_of_all)) continue;
      do {
        s.need(g, 0);
        todo_of_all = set1(0);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          const V bit = first_bit(todo[v]);
          const V shift =
              choose(hits(again[v], bit), set1(kAgain), choose(hits(beside[v], bit), set1(kBeside), set1(kAlone)));
          V change;
          const Mask d = decide(s.q[v], shr(s.contexts[v], shift), shift, set_bits(todo[v]), tables, change);
          s.contexts[v] = differ(s.contexts[v], change);
          ones[v] = either(ones[v], where(d, bit));
          todo[v] = but_not(todo[v], bit);
          todo_of_all = either(todo_of_all, todo[v]);
        }
      } while (any_bit(todo_of_all));
      for (int v = 0; v < kVectors; ++v) merge(plane[i] + v * kWidth, ones[v]);
    }
  s.save(g);
}

[[gnu::noinline]] void cleanup_pass(Group& g, const Mask* on, u64 (*plane)[kLanes]) {
  // A sample's column and those beside it, all rows: in the view of its first sample.
  constexpr u64 kAround = place(0) | place(1) | place(2) | place(3) | place(4) | place(5) | place(6) | place(7) |
                          place(8) | place(9) | place(10) | place(11) | place(12) | place(13) | place(14) | place(15) |
                          place(16) | place(17);
  Pass s(g);
  const Tables tables;
  for (int stripe = 0; stripe < g.stripes; ++stripe)
    for (int word = 0; word < g.words; ++word) {
      const int here = (stripe + 1) * g.across + word + 1, i = stripe * g.words + word;
      V old[kVectors], significant[kVectors], todo[kVectors];
      V todo_of_all = set1(0);
      for (int v = 0; v < kVectors; ++v) {
        const int lane = v * kWidth;
        old[v] = significant[v] = padded(g.significant + here, lane);
        todo[v] = where(on[v], but_not(existing(g, stripe, word, lane), either(old[v], load(g.visited[i] + lane))));
        todo_of_all = either(todo_of_all, todo[v]);
      }
      if (!any_bit(todo_of_all)) continue;
      V old_negative[kVectors], negative[kVectors];
      for (int v = 0; v < kVectors; ++v) old_negative[v] = negative[v] = padded(g.negative + here, v * kWidth);
      do {
        s.need(g, 19);
        todo_of_all = set1(0);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          const int lane = v * kWidth;
          const V b = first(todo[v]), bit = first_bit(todo[v], b);
          V front = sub(b, set1(7)), view = sooner(significant[v], front);
          const Mask active = set_bits(todo[v]);
          // A whole column with nothing significant around it.
          const Mask run = both_masks(hits(bit, load(g.full[stripe] + lane)), misses(view, set1(kAround)));
          const V shift = choose(run, set1(kRunLength), zero_context(g, lane, view, tables));
          V change;
          const Mask d =
              decide(s.q[v], shr(choose(run, s.contexts[v], s.zero_contexts[v]), shift), shift, active, tables, change);
          const V of_run = where(run, change);
          s.contexts[v] = differ(s.contexts[v], of_run);
          s.zero_contexts[v] = differ(s.zero_contexts[v], differ(change, of_run));
          V here_bit = bit, done = bit;
          if (any(run)) {
            // The column is done, or the place of its first significant sample comes next.
            done = choose(run, whole_column(bit), bit);
            const Mask ends = both_masks(run, d);
            if (any(ends)) {
              V unused;
              const Mask two = decide(s.q[v], set1(kUniform), set1(0), ends, tables, unused);
              const Mask one = decide(s.q[v], set1(kUniform), set1(0), ends, tables, unused);
              const V down = add(where(two, set1(2)), where(one, set1(1)));
              here_bit = later(bit, down);
              done = choose(ends, through(bit, here_bit), done);
              front = add(front, down);
              view = sooner(significant[v], front);
            }
          }
          todo[v] = but_not(todo[v], done);
          if (any(d)) {  // seldom in the upper planes
            const Mask minus = s.sign(v, view, sooner(negative[v], front), d, tables);
            significant[v] = either(significant[v], where(d, here_bit));
            negative[v] = either(negative[v], where(minus, here_bit));
          }
          todo_of_all = either(todo_of_all, todo[v]);
        }
      } while (any_bit(todo_of_all));
      for (int v = 0; v < kVectors; ++v) {
        const int lane = v * kWidth;
        const V fresh = differ(significant[v], old[v]);
        spread(g.significant + here, g.across, lane, fresh);
        spread(g.negative + here, g.across, lane, differ(negative[v], old_negative[v]));
        merge(plane[i] + lane, fresh);
      }
    }
  s.save(g);
}

// ---- in and out -------------------------------------------------------------------

void set_up(Group& g, const BlockGroupArgs& args) {
  constexpr u64 kRows[5] = {0, row(1, 8), samples(2, 8), samples(3, 8), kSamples};
  constexpr u64 kColumns[9] = {
      0,       samples(4, 1), samples(4, 2), samples(4, 3), samples(4, 4), samples(4, 5), samples(4, 6), samples(4, 7),
      kSamples};
  const auto within = [](int n, int most) { return n < 0 ? 0 : n < most ? n : most; };
  int width = 0, height = 0;
  for (int l = 0; l < args.count; ++l) {
    const PlainBlock& b = args.blocks[l];
    width = b.width > width ? b.width : width;
    height = b.height > height ? b.height : height;
  }
  g.words = (width + 7) / 8;
  g.stripes = (height + 3) / 4;
  g.across = g.words + 2;
  g.readable_end = args.readable_end;
  for (int l = 0; l < kLanes; ++l) {
    // A lane without a block has one without samples.
    const bool used = l < args.count;
    const PlainBlock& b = args.blocks[used ? l : 0];
    for (int i = 0; i < g.words; ++i) g.columns[i][l] = kColumns[used ? within(b.width - 8 * i, 8) : 0];
    for (int i = 0; i < g.stripes; ++i) {
      g.rows[i][l] = kRows[within(b.height - 4 * i, 4)];
      g.full[i][l] = b.height - 4 * i >= 4 ? kFirstRow : 0;
    }
    g.at[l] = b.data;
    g.end[l] = b.data + b.length;
    g.first_pass[l] = static_cast<u64>(3 * (b.planes - 1) - 2);
    g.passes[l] = used ? b.passes : 0;
    set_orientation(g, l, b.orientation);
  }
  for (int lane = 0; lane < kLanes; lane += kWidth) {
    for (int i = 0; i < (g.stripes + 2) * g.across; ++i) {
      store(g.significant[i] + lane, set1(0));
      store(g.negative[i] + lane, set1(0));
    }
    for (int i = 0; i < g.stripes * g.words; ++i) {
      store(g.visited[i] + lane, set1(0));
      store(g.refined[i] + lane, set1(0));
    }
    store(g.a + lane, set1((u64{0x8000} << 48) >> kSpare));
    store(g.c + lane, set1(0));
    store(g.ahead + lane, set1(~u64{0} - 14));  // -15: the first bit of the first byte is the second of C
    store(g.missing + lane, set1(0));
    store(g.zero_contexts + lane, set1(2 * 4));
    store(g.contexts + lane, set1(u64{2 * 3} << kRunLength));
    refill(g, lane, true);
  }
}

// The lanes that a pass has work for.  One whose bytes are exhausted is done.
bool start_pass(Group& g, int plane, int kind, Mask* on) {
  constexpr u64 kMissing = 64;  // bytes, as BlockDecoder
  bool some = false;
  for (int v = 0; v < kVectors; ++v) {
    const int lane = v * kWidth;
    const V pass = add(load(g.first_pass + lane), set1(static_cast<u64>(kind - 3 * plane)));
    const V passes = load(g.passes + lane);
    const Mask due = both_masks(less(set1(~u64{0}), pass), less(pass, passes));
    const Mask exhausted =
        both_masks(due, less(set1(8 * kMissing + 7), sub(shl<3>(load(g.missing + lane)), load(g.ahead + lane))));
    store(g.passes + lane, choose(exhausted, pass, passes));
    on[v] = but_not_mask(due, exhausted);
    some = some || any(on[v]);
  }
  return some;
}

void write_block(const Group& g, int lane, const PlainBlock& b, bool whole) {
  const auto passes = static_cast<int>(g.passes[lane]);
  const int last = b.planes - 1 - (passes + 1) / 3;  // the lowest plane that a pass reached
  const bool by_significance = passes % 3 == 2;      // and that was the significance pass
  for (int stripe = 0; 4 * stripe < b.height; ++stripe)
    for (int word = 0; 8 * word < b.width; ++word) {
      const int here = (stripe + 1) * g.across + word + 1, i = stripe * g.words + word;
      const u64 significant = later_by_six(g.significant[here][lane]) & kSamples;
      const u64 negative = later_by_six(g.negative[here][lane]) & kSamples;
      const u64 older = by_significance ? significant & ~g.plane[last][i][lane] : 0;
      const int rows = b.height - 4 * stripe, columns = b.width - 8 * word;
      write_word(g, lane, i, significant, negative, older, last, b.planes, whole, rows < 4 ? rows : 4,
                 columns < 8 ? columns : 8, b.out + 4 * stripe * b.stride + 8 * word, b.stride);
    }
}

void decode_group(const BlockGroupArgs& args) {
  Group& g = *static_cast<Group*>(args.work);
  set_up(g, args);
  int planes = 0;
  for (int l = 0; l < args.count; ++l) planes = args.blocks[l].planes > planes ? args.blocks[l].planes : planes;
  for (int p = planes - 1; p >= 0; --p) {
    for (int i = 0; i < g.stripes * g.words; ++i)
      for (int lane = 0; lane < kLanes; lane += kWidth) store(g.plane[p][i] + lane, set1(0));
    Mask on[kVectors];
    if (start_pass(g, p, 0, on)) significance_pass(g, on, g.plane[p]);
    if (start_pass(g, p, 1, on)) refinement_pass(g, on, g.plane[p]);
    if (start_pass(g, p, 2, on)) cleanup_pass(g, on, g.plane[p]);
  }
  for (int l = 0; l < args.count; ++l) write_block(g, l, args.blocks[l], args.whole);
}
