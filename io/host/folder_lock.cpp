// SPDX-License-Identifier: Apache-2.0
#include "io/host/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "io/host/failure.h"
#include "io/host/output_file.h"

namespace dtacs {

FolderLock::FolderLock(const std::string& folder) {
  make_folder(folder);
  fd_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0) throw Failure(Exit::cannot_create, "cannot open folder " + folder + ": " + std::strerror(errno));
  if (flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  close(fd_);
  throw Failure(Exit::folder_in_use, folder + ": another run is writing into this folder");
}

FolderLock::~FolderLock() {
  close(fd_);
}

}  // namespace dtacs
