// The last word of a command, from the master's answer. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "master/status/answers.h"
#include "master/status/picture.h"

namespace sup::cli {

// "reloaded: generation 2 (2 workers) serves, generation 1 is draining, 9ms", from the outcome and the
// picture that follows it (none when the master did not tell), by which a later reload or a stop may have
// come over it.
std::string describe_reload(const status::Reload& outcome, const std::optional<status::Picture>& after);

// "hello is up: pid 4711, generation 1 (2 workers) serves on http 127.0.0.1:8999, 12ms", from the outcome of
// the start and the picture that follows it.
std::string describe_start(const status::Started& started, const std::optional<status::Picture>& after);

// "the reload failed; the previous generation is still serving: …", from the same; where a stop has come,
// what it means.
std::string describe_failed_reload(const status::Reload& outcome,
                                   const std::optional<status::Picture>& after);

// What failed, why, and the failing worker's last lines; several lines.
std::string describe_failure(const std::string& what, const std::string& reason,
                             const std::vector<std::string>& worker_output);

// "process 4711 (server), which sup may not signal, and which may hold http 127.0.0.1:8080; …": what sup has
// not ended; empty: nothing.
std::string names_of_left_behind(const std::vector<status::LeftBehind>& left_behind);

}  // namespace sup::cli
