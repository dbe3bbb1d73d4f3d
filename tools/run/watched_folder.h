// SPDX-License-Identifier: Apache-2.0
// A folder in which products appear, often slowly: which of them are whole, and which are still
// to be done.
//
// The outputs of IN/NAME go to OUT/NAME.  It is done when report.json is there, and given up while
// failed.txt is there and speaks of the product as it is now and of the same way to run it: one that has
// changed since, because the rest of it came, or is run in another way is tried again.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace dtacs {

class WatchedFolder {
 public:
  WatchedFolder(std::string in, std::string out, std::string way)
      : in_(std::move(in)), out_(std::move(out)), way_(std::move(way)) {}

  struct Products {
    std::vector<std::string> whole;     // names, ascending: to be done
    std::vector<std::string> arriving;  // new since the last look, or changed
  };
  // Hidden files, names that end in .part or .tmp, and headers of raw bands are no products; what
  // is neither changed since the last look, nor done, nor given up, is whole.  Throws Failure(missing_input).
  Products look();

  std::string product(const std::string& name) const { return in_ + "/" + name; }
  std::string folder(const std::string& name) const { return out_ + "/" + name; }
  bool done(const std::string& name) const;
  void give_up(const std::string& name, const std::string& why) const;  // as the last look saw it
  void try_again(const std::string& name) const;                        // what give_up() noted goes

 private:
  std::string in_, out_, way_;
  std::map<std::string, std::string> seen_;  // name -> what it was at the last look
};

}  // namespace dtacs
