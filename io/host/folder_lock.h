// SPDX-License-Identifier: Apache-2.0
// An output folder that one process at a time writes into.
#pragma once

#include <string>

namespace dtacs {

// Makes the folder where it is missing, and holds it until the object or the process ends,
// however it ends: there is no lock file to be left behind.  On a file system without locks
// (some network ones) nothing is held.
class FolderLock {
 public:
  // Throws Failure: cannot_create; folder_in_use when somebody else holds it.
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

}  // namespace dtacs
