// SPDX-License-Identifier: Apache-2.0
// A run of pixels, cut into register blocks whose size the compiler knows.  Include it inside an anonymous namespace.

template <int P, class Body>
inline void run_block(std::ptrdiff_t n, std::ptrdiff_t at, const Body& body) {
  if (n == P)
    body.template run<P>(at);
  else if constexpr (P > 1)
    run_block<P - 1>(n, at, body);
}

// Cuts `count` into as few blocks of at most kMost as possible, of nearly the same size: two blocks of
// 4 run faster than one of 6 and one of 2, which waits for its sums.
// body.template run<P>(first)
template <int kMost, class Body>
inline void for_blocks(std::ptrdiff_t count, const Body& body) {
  if (count == 0) return;
  const std::ptrdiff_t blocks = (count + kMost - 1) / kMost;
  const std::ptrdiff_t size = count / blocks;
  std::ptrdiff_t larger = count % blocks;
  for (std::ptrdiff_t at = 0; at < count;) {
    const std::ptrdiff_t n = larger-- > 0 ? size + 1 : size;
    run_block<kMost>(n, at, body);
    at += n;
  }
}
