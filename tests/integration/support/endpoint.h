// Where a client of a test connects.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/unique_fd.h"

namespace sup::test {

class Endpoint {
public:
    Endpoint(std::uint16_t port) : port_(port) {}     // NOLINT(*-explicit-*): of 127.0.0.1
    Endpoint(const std::filesystem::path& unix_path)  // NOLINT(*-explicit-*): also "@name"
        : path_(unix_path.string()) {}

    // A stream socket that connects, or tried to: `problem` is then the error number, else 0. TCP comes from
    // 127.0.0.(1 + `source`).
    UniqueFd connect(int flags, int& problem, unsigned source = 0) const;

private:
    std::uint16_t port_ = 0;
    std::string path_;  // empty: TCP
};

}  // namespace sup::test
