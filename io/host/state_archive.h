// SPDX-License-Identifier: Apache-2.0
// What a stopped job must know to go on, as bytes.  One function per class, exchange(),
// names its members in order; the archive either takes them or gives them back.
//
// In a file the bytes stand behind a header with version and CRC-32C (tools/run/run_state.h), so a
// reader that runs out of bytes or meets a wrong count reads another program's state.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "io/host/failure.h"

namespace dtacs {

// A state cannot be used; the job starts afresh.
class StateRefused : public Failure {
 public:
  explicit StateRefused(std::string line) : Failure(Exit::bad_data, std::move(line)) {}
};

class StateArchive {
 public:
  StateArchive() = default;                                                         // takes
  explicit StateArchive(std::string_view bytes) : bytes_(bytes), loading_(true) {}  // gives back

  // Room for as many bytes, which then need no more memory than they are.
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  bool loading() const { return loading_; }
  const std::string& bytes() const { return bytes_; }

  // Behind what was taken so far.
  void append(const StateArchive& other) { bytes_ += other.bytes_; }

  template <class T>
  void value(T& v) {
    static_assert(std::is_trivially_copyable_v<T>);
    raw(&v, sizeof v);
  }
  template <class T>
  void values(std::vector<T>& v) {
    static_assert(std::is_trivially_copyable_v<T>);
    v.resize(count(v.size(), sizeof(T)));
    raw(v.data(), v.size() * sizeof(T));
  }
  void text(std::string& s) {
    s.resize(count(s.size(), 1));
    raw(s.data(), s.size());
  }

 private:
  std::size_t count(std::size_t n, std::size_t each) {
    auto kept = static_cast<std::uint64_t>(n);
    value(kept);
    if (loading_ && kept > (bytes_.size() - at_) / each) throw StateRefused("it ends too early");
    return static_cast<std::size_t>(kept);
  }
  void raw(void* p, std::size_t n) {
    if (!loading_) {
      bytes_.append(static_cast<const char*>(p), n);
      return;
    }
    if (n > bytes_.size() - at_) throw StateRefused("it ends too early");
    if (n != 0) std::memcpy(p, bytes_.data() + at_, n);
    at_ += n;
  }

  std::string bytes_;
  bool loading_ = false;
  std::size_t at_ = 0;
};

}  // namespace dtacs
