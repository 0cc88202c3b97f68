// A place to make a file in a folder that others may write to.
#pragma once

#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sup {

// An empty directory that only this user (and root) can enter, with a random name in the folder. Nobody else
// can exchange what is in it, and what is renamed from it is what was made in it, whatever others do in the
// folder. Destroying it removes it, and its one entry.
class PrivateDirectory {
public:
    // `folder` is a descriptor (O_PATH will do), and stays the caller's for as long as this lives. The error
    // is a phrase without the folder.
    static Result<PrivateDirectory> make(int folder);
    PrivateDirectory(PrivateDirectory&&) = default;
    PrivateDirectory& operator=(PrivateDirectory&&) = delete;
    ~PrivateDirectory();

    int fd() const noexcept { return directory_.get(); }
    // The name for the one file in it; as random as the directory's.
    const std::string& entry() const noexcept { return name_; }

private:
    PrivateDirectory(int folder, std::string name, UniqueFd directory);

    int folder_;
    std::string name_;
    UniqueFd directory_;
};

}  // namespace sup
