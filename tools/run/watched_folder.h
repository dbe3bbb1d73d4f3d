// SPDX-License-Identifier: Apache-2.0
// A folder in which products appear, often slowly: which of them are whole, and which are still
// to be done.
//
// The outputs of IN/NAME go to OUT/NAME.  It is done when report.json is there and watch.state speaks of the product as
// it is now.  It is given up while failed.txt is there and speaks of the
// product as it is now and of the same way to run it: one that has changed since, because the rest of it came, or is
// run in another way is tried again.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace dtacs {

class WatchedFolder {
 public:
  // log: "" for none.
  WatchedFolder(std::string in, std::string out, std::string way, std::string log = "")
      : in_(std::move(in)), out_(std::move(out)), way_(std::move(way)), log_(std::move(log)) {}

  struct Products {
    std::vector<std::string> whole;     // names, ascending: to be done
    std::vector<std::string> arriving;  // new since the last look, or changed
  };
  // Hidden files, names that end in .part or .tmp, headers of raw bands, and what holds the outputs or the log are no
  // products; what is neither changed since the last look, nor done, nor given up, is whole.  Throws
  // Failure(missing_input).
  Products look();

  std::string product(const std::string& name) const { return in_ + "/" + name; }
  std::string folder(const std::string& name) const { return out_ + "/" + name; }
  bool done(const std::string& name) const;
  bool changed(const std::string& name) const;                    // since the last look
  void note_done(const std::string& name) const;                  // as the last look saw it
  void give_up(const std::string& name, const std::string& why);  // as the last look saw it
  void try_again(const std::string& name);                        // what give_up() noted goes

 private:
  bool done_as(const std::string& name, std::uint32_t state) const;
  std::string attempt(std::uint32_t state) const;  // what failed.txt begins with

  std::string in_, out_, way_, log_;
  std::map<std::string, std::uint32_t> seen_;  // name -> what it was at the last look
  std::set<std::string> blocked_;              // given up, and their folders take no failed.txt
};

}  // namespace dtacs
