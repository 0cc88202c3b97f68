// A file that somebody else opens by its name, again and again: a script, by its interpreter. It cannot be
// pinned, but a link on the way to it can be followed once.
#pragma once

#include <optional>
#include <string>

#include "master/files/file_identity.h"

namespace sup {

class NamedFile {
public:
    // The regular file that is at `path` (absolute) now; none when there is no such file.
    static std::optional<NamedFile> at(const std::string& path);

    // In its folder's real path, with the last name as given.
    const std::string& name() const noexcept { return name_; }

    // By which it is opened now: its name as long as that leads to the same file. Else, when the last name
    // was a link that has been moved, the path that it led to; else the name all the same, whatever is there.
    std::string path_now() const;

    // Whether something is at path_now().
    bool is_there() const;

    // Whether what is at path_now() has another content. False when nothing is there.
    bool is_changed() const;

private:
    NamedFile() = default;

    std::string name_;
    std::string real_;
    FileIdentity identity_;
    Fingerprint fingerprint_;
};

}  // namespace sup
