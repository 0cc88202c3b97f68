// Which processes descend from which. Looks at /proc anew at each call: what it says was true a moment ago.
#pragma once

#include <sys/types.h>

#include <vector>

#include "master/process/process_status.h"

namespace sup {

// Those that it is the parent of, also zombies, but for `except`, which is sorted: those are not looked at.
std::vector<ProcessStat> children_of(pid_t parent, const std::vector<pid_t>& except = {});
// Adds whoever descends from those that are there; a parent comes before its children. Ends at some
// thousands.
void add_descendants(std::vector<ProcessStat>& processes);
// Children, their children and so on; a parent comes before its children.
std::vector<ProcessStat> descendants_of(pid_t ancestor);

}  // namespace sup
